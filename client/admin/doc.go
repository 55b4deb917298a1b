// Package admin asks an imhook gateway's API and steers it: what came in, what was
// decided, what became of it, and everything that an operator can do about it. It is
// what the command line uses.
//
//	c, err := admin.New(admin.Config{URL: "http://127.0.0.1:8420", Token: token})
//	…
//	list, err := c.Endpoints(ctx)
//
// There is a method for each operation of the gateway's OpenAPI document
// (GET /api/openapi.json), of the same name. A refusal is an [*Error], with the words
// of the gateway. Answers may hold more than this package knows: what is new is passed
// over.
//
// It takes the events of package event and nothing of the gateway itself.
package admin
