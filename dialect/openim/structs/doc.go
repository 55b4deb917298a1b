// Package structs holds the wire of package openim against OpenIM's own request and
// answer structs, pkg/callbackstruct of open-im-server v3.8.3 (Apache-2.0), which
// are read and written with encoding/json as the server does. It has no code of its
// own, and is a module of its own so that imhook does not depend on the server.
package structs
