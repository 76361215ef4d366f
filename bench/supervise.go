package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// supervised marks the process that measures.
const supervised = "BENCH_SUPERVISED"

// supervise runs the measurements in a process of its own and gives its exit code. However that one ends, the processes that it has
// started, its temporary files and its network namespace end with it.
func supervise() int {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	defer func() { _ = os.RemoveAll(dir) }()
	self, err := os.Executable()
	check(err)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // as nohup does
			signal.Notify(signals, s)
		}
	}
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends that started the process
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), supervised+"=1", "TMPDIR="+dir)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = os.Stdout, os.Stderr, &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	killAll := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	ended := make(chan struct{})
	go func() {
		select {
		case <-signals:
			killAll()
		case <-ended:
		}
	}()
	err = cmd.Wait()
	close(ended)
	killAll()
	if ns := namespace(cmd.Process.Pid); exists("/run/netns/" + ns) {
		_ = exec.Command("ip", "netns", "del", ns).Run()
	}
	if err != nil {
		return cmp.Or(max(cmd.ProcessState.ExitCode(), 0), 1)
	}
	return 0
}

// namespace is the network namespace of a process that measures BGP sessions.
func namespace(pid int) string { return fmt.Sprintf("ptlbench%d", pid) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
