package gateway

// Causes returns all causes, in the order in which they are defined.
func Causes() []Cause {
	return []Cause{
		CauseHook, CauseCache, CauseTimeout, CauseError, CauseBadReply, CauseOverload, CauseUntranslatable, CauseOpen, CauseCancelled, CauseNone,
	}
}
