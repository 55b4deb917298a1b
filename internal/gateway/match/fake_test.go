package match

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// spoken is a dialect that only has a spec.
type spoken struct {
	dialect.Dialect
	spec dialect.Spec
}

func (s *spoken) Spec() *dialect.Spec { return &s.spec }

func registry() *dialect.Registry {
	return dialect.NewRegistry(
		&spoken{spec: dialect.Spec{Name: "easemob", Families: []string{"muc", "ask"}, Commands: []dialect.Command{
			{Name: "chat:user:single", Phase: event.After, Types: []event.Type{event.MessageSend}},
			{Name: "muc:kick", Phase: event.After, Types: []event.Type{event.GroupMemberKick, event.ChatroomMemberKick}},
			{Name: "muc:absence", Phase: event.After, Types: []event.Type{event.GroupMemberKick}},
			{Name: "muc:odd", Phase: event.After, Types: []event.Type{event.VendorUnknown}},
			{Name: "ask:send", Phase: event.Before, Types: []event.Type{event.MessageSend}},
			{Name: "pre_send", Phase: event.Before, Types: []event.Type{event.MessageSend}},
		}}},
		&spoken{spec: dialect.Spec{Name: "tencent", Commands: []dialect.Command{
			{Name: "C2C.CallbackAfterSendMsg", Phase: event.After, Types: []event.Type{event.MessageSend}},
			{Name: "Group.CallbackAfterMemberExit", Phase: event.After, Types: []event.Type{event.GroupMemberKick, event.GroupMemberLeave}},
		}}},
	)
}
