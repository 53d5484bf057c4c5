package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// statusVariable tells a process that it is the one in the background: on this
// descriptor another waits for word that it serves.
const statusVariable = "PINGAP_DAEMON_STATUS"

// background starts the program again as a daemon, in a session of its own. It
// returns 0 when that serves; when it ends before, what it wrote has been
// passed on, and its exit code is returned.
//
// The program is started anew instead of forked: threads, clocks and logs of a
// process do not survive a fork.
func background(args []string, system System) int {
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		return failed(system, errors.New("--daemon does not go with sockets of systemd, which are for the process that it starts itself: leave it out of the unit"))
	}
	program, err := os.Executable()
	if err != nil {
		return failed(system, fmt.Errorf("start in the background: %w", err))
	}
	status, statusEnd, err := os.Pipe()
	if err != nil {
		return failed(system, fmt.Errorf("start in the background: %w", err))
	}
	defer status.Close()
	output, outputEnd, err := os.Pipe()
	if err != nil {
		statusEnd.Close()
		return failed(system, fmt.Errorf("start in the background: %w", err))
	}
	defer output.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = outputEnd, outputEnd
	cmd.ExtraFiles = []*os.File{statusEnd} // becomes 3
	cmd.Env = append(os.Environ(), statusVariable+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	statusEnd.Close()
	outputEnd.Close()
	if err != nil {
		return failed(system, fmt.Errorf("start in the background: %w", err))
	}
	return attend(cmd, status, output, system)
}

// attend waits until the daemon serves or ends. Signals to end are passed on.
func attend(cmd *exec.Cmd, status, output *os.File, system System) int {
	serving := make(chan bool, 1)
	go func() {
		io.Copy(system.Stderr, output) // until the daemon turns to its own log
		n, _ := status.Read(make([]byte, 1))
		serving <- n == 1
	}()
	for {
		select {
		case s := <-system.Signals:
			if s == syscall.SIGINT || s == syscall.SIGTERM {
				cmd.Process.Signal(s)
			}
		case ok := <-serving:
			if ok {
				cmd.Process.Release()
				return exitOK
			}
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code > 0 {
				return code
			}
			return failed(system, fmt.Errorf("the process in the background ended before it served: %s", cmd.ProcessState))
		}
	}
}

// failed reports an error and returns the exit code.
func failed(system System, err error) int {
	fmt.Fprintf(system.Stderr, "pingap: %v\n", err)
	return exitFailed
}

// daemon is a process in the background. Methods of nil do nothing.
type daemon struct {
	status   *os.File // where somebody waits for word
	errorLog *os.File // for what is written to standard error; opened early
	path     string   // of that
}

// asDaemon returns the daemon that this process is; nil if it is none.
func asDaemon() *daemon {
	fd, err := strconv.Atoi(os.Getenv(statusVariable))
	if err != nil {
		return nil
	}
	os.Unsetenv(statusVariable) // it is not for those that this process starts
	unix.CloseOnExec(fd)
	return &daemon{status: os.NewFile(uintptr(fd), "status")}
}

// openErrorLog opens the file for standard error; "" throws that away.
func (d *daemon) openErrorLog(path string, i *identity, f *flags, system System) (err error) {
	if d == nil {
		return nil
	}
	if path == "" {
		if f.log == "" {
			fmt.Fprintln(system.Stderr, "pingap: nothing will be logged: there is neither --log nor basic.error_log")
		}
		path = os.DevNull
	}
	d.path = path
	d.errorLog, err = openToAppend(path)
	if err == nil && path != os.DevNull {
		err = i.own(d.errorLog)
	}
	if err != nil {
		return fmt.Errorf("open basic.error_log: %w", err)
	}
	return nil
}

func openToAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
}

// reopen opens the error log anew, after it has been moved away; the old one
// stays if that fails.
func (d *daemon) reopen() error {
	if d == nil {
		return nil
	}
	file, err := openToAppend(d.path)
	if err != nil {
		return fmt.Errorf("open basic.error_log: %w", err)
	}
	defer file.Close()
	for _, fd := range []int{int(d.errorLog.Fd()), 1, 2} {
		if err := unix.Dup2(int(file.Fd()), fd); err != nil {
			return fmt.Errorf("turn to basic.error_log: %w", err)
		}
	}
	unix.CloseOnExec(int(d.errorLog.Fd())) // not for processes that this one starts
	return nil
}

// outputs returns the System of what is written while the process serves: all
// into the error log, from the first line. Why it could not start still goes to
// whoever started it.
func (d *daemon) outputs(system System) System {
	if d != nil {
		system.Stdout, system.Stderr = d.errorLog, d.errorLog
	}
	return system
}

// serving turns to the error log, and gives word.
func (d *daemon) serving() error {
	if d == nil {
		return nil
	}
	for _, fd := range []int{1, 2} {
		if err := unix.Dup2(int(d.errorLog.Fd()), fd); err != nil {
			return fmt.Errorf("turn to basic.error_log: %w", err)
		}
	}
	_, err := d.status.Write([]byte{1})
	d.status.Close()
	if errors.Is(err, syscall.EPIPE) {
		err = nil // nobody waits any more
	}
	return err
}
