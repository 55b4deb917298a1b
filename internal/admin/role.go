package admin

import "slices"

// Role is what somebody may do here. The words are configuration and output: append
// only.
type Role string

// The roles, each of which may what the one before it may.
const (
	// RoleViewer reads.
	RoleViewer Role = "viewer"
	// RoleOperator steers what is configured: pauses, resumes, delivers once more,
	// takes dead letters away, has sources called.
	RoleOperator Role = "operator"
	// RoleAdmin changes the configuration and who may do what.
	RoleAdmin Role = "admin"
)

// Roles returns all roles, the least first.
func Roles() []Role { return []Role{RoleViewer, RoleOperator, RoleAdmin} }

// may reports whether r is enough for what needs least.
func (r Role) may(least Role) bool {
	return slices.Index(Roles(), r) >= slices.Index(Roles(), least)
}
