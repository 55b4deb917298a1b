// Package natstest runs NATS servers with JetStream for tests: one server, or a
// cluster, in the test's process or each in a process of its own that can be
// killed. They listen on loopback, keep their files in the test's directory, and
// end with the test, also when it is killed.
//
// A package that uses [Processes] calls [RunChild] first in its TestMain.
package natstest
