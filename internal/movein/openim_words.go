package movein

// openimOlder has the keys of earlier files, in lower case, with today's. v2 is
// read without the "callback" that its keys begin with.
func openimOlder() map[string]string {
	return map[string]string{
		// v2
		"wordfilter": "beforeMsgModify",
		// v2.1 to v3.6
		"useronline":           "afterUserOnline",
		"useroffline":          "afterUserOffline",
		"userkickoff":          "afterUserKickOff",
		"offlinepush":          "beforeOfflinePush",
		"onlinepush":           "beforeOnlinePush",
		"supergrouponlinepush": "beforeGroupOnlinePush",
		// v3.0 to v3.6
		"msgmodify":            "beforeMsgModify",
		"singlemsgread":        "afterSingleMsgRead",
		"groupmsgread":         "afterGroupMsgRead",
		"updateuserinfo":       "afterUpdateUserInfo",
		"quitgroup":            "afterQuitGroup",
		"killgroupmember":      "afterKickGroupMember",
		"dismissgroup":         "afterDismissGroup",
		"joingroup":            "beforeApplyJoinGroup",
		"joingroupafter":       "afterJoinGroup",
		"transfergroupowner":   "afterTransferGroupOwner",
		"setgroupinfobefore":   "beforeSetGroupInfo",
		"setgroupinfoafter":    "afterSetGroupInfo",
		"revokemsgafter":       "afterRevokeMsg",
		"addblackbefore":       "beforeAddBlack",
		"removeblackafter":     "afterRemoveBlack",
		"addfriendafter":       "afterAddFriend",
		"addfriendagreebefore": "beforeAddFriendAgree",
		"deletefriendafter":    "afterDeleteFriend",
		"importfriendsbefore":  "beforeImportFriends",
		"importfriendsafter":   "afterImportFriends",
	}
}

// openimSilent are the keys, in lower case, for which no version of the server
// sends anything.
func openimSilent() []string { return []string{"aftergroupmsgrevoke", "setmessagereactionextensions"} }

// formerName is what servers before v3.7 call a command on the wire; empty where
// it is today's word. v36 is what v3.6 alone calls it.
type formerName struct{ v3, v36, v2 string }

// openimFormerly has the former names by today's key.
func openimFormerly() map[string]formerName {
	both := func(name string) formerName { return formerName{v3: name, v2: name} }
	return map[string]formerName{
		"beforeSetFriendRemark":   {v3: "callbackBeforeSetFriendRemark"},
		"afterSetFriendRemark":    {v3: "callbackAfterSetFriendRemark"},
		"beforeMemberJoinGroup":   {v3: "callbackBeforeMemberJoinGroupCommand"},
		"afterQuitGroup":          {v3: "callbackQuitGroupCommand"},
		"afterKickGroupMember":    {v3: "callbackKillGroupCommand"},
		"afterDismissGroup":       {v3: "callbackDisMissGroupCommand"},
		"afterTransferGroupOwner": {v3: "callbackTransferGroupOwnerAfter", v36: "callbackAfterTransferGroupOwner"},
		"beforeMsgModify":         {v3: "callbackMsgModifyCommand", v2: "callbackWordFilterCommand"},
		"afterSingleMsgRead":      {v3: "callbackSingleMsgRead"},
		"afterGroupMsgRead":       {v3: "callbackGroupMsgReadCommand"},
		"beforeOnlinePush":        both("callbackOnlinePushCommand"),
		"beforeGroupOnlinePush":   both("callbackSuperGroupOnlinePushCommand"),
		"beforeOfflinePush":       both("callbackOfflinePushCommand"),
		"afterUserOnline":         both("callbackUserOnlineCommand"),
		"afterUserOffline":        both("callbackUserOfflineCommand"),
		"afterUserKickOff":        both("callbackUserKickOffCommand"),
	}
}
