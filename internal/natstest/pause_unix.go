//go:build unix

package natstest

import (
	"errors"
	"syscall"
)

// Pause stops a server of [Processes] in the middle of what it does, as a machine
// that is suspended; [Node.Resume] lets it go on.
func (n *Node) Pause() {
	n.tb.Helper()
	n.signal(syscall.SIGSTOP)
	if n.cmd == nil {
		return
	}
	var status syscall.WaitStatus
	for { // it goes on for a moment
		_, err := syscall.Wait4(n.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			n.tb.Errorf("pausing %s: %v, status %v", n.Name(), err, status)
		}
		return
	}
}

// Resume lets a server that was paused go on.
func (n *Node) Resume() { n.signal(syscall.SIGCONT) }

func (n *Node) signal(s syscall.Signal) {
	n.tb.Helper()
	if n.cmd == nil {
		n.tb.Errorf("%s does not run in a process of its own: start it with Processes", n.Name())
		return
	}
	if err := n.cmd.Process.Signal(s); err != nil {
		n.tb.Error(err)
	}
}
