// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// executor runs programs in a container's folder, with next to no environment.
type executor struct{ folder string }

func (e executor) command(ctx context.Context, words []string) *exec.Cmd {
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Dir = e.folder
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.folder, "LANG=C.UTF-8"}
	command.WaitDelay = time.Second
	return command
}

// ExecInContainer is called by the library, which turns what it answers into the exit status that a client sees.
func (e executor) ExecInContainer(ctx context.Context, _ string, _ types.UID, _ string, words []string, in io.Reader,
	out, err io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if len(words) == 0 {
		return errors.New("no command")
	}
	command := e.command(ctx, words)
	if tty {
		return exitStatus(runOnTerminal(command, in, out, resize))
	}
	return exitStatus(runOnPipes(command, in, out, err))
}

func runOnPipes(command *exec.Cmd, in io.Reader, out, err io.WriteCloser) error {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if out != nil {
		command.Stdout = out
	}
	if err != nil {
		command.Stderr = err
	}
	if in == nil {
		return command.Run()
	}
	// Not as command.Stdin: that would wait for a client which has not closed its side when the program is through.
	pipe, failure := command.StdinPipe()
	if failure != nil {
		return failure
	}
	if failure = command.Start(); failure != nil {
		return failure
	}
	go func() {
		_, _ = io.Copy(pipe, in)
		_ = pipe.Close()
	}()
	return command.Wait()
}

func runOnTerminal(command *exec.Cmd, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	ours, theirs, err := openTerminal()
	if err != nil {
		return err
	}
	defer ours.Close()
	command.Stdin, command.Stdout, command.Stderr = theirs, theirs, theirs
	command.Env = append(command.Env, "TERM=xterm")
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	err = command.Start()
	_ = theirs.Close()
	if err != nil {
		return err
	}
	if in != nil {
		go func() { _, _ = io.Copy(ours, in) }()
	}
	go func() {
		for size := range resize {
			_ = unix.IoctlSetWinsize(int(ours.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
		}
	}()
	// It ends with an error when the last program on the terminal has ended.
	_, _ = io.Copy(out, ours)
	return command.Wait()
}

// openTerminal answers both ends of a new pseudo-terminal: ours, and the program's.
func openTerminal() (*os.File, *os.File, error) {
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		_ = ours.Close()
		return nil, nil, err
	}
	theirs, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		_ = ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

func exitStatus(err error) error {
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return err
	}
	code := ended.ExitCode()
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return utilexec.CodeExitError{Err: err, Code: code}
}
