package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cores: one for the proxy under test, one for all else.
const (
	proxyCore = "0"
	otherCore = "1"
)

// process is a program under measurement, with its children.
type process struct {
	name    string
	port    int
	cmd     *exec.Cmd
	stderr  *os.File
	started time.Time
	ready   float64 // ms from the start to the first answer
}

// start runs a command on a core and waits until it accepts on port.
func start(ctx context.Context, dir, name, core string, port int, command []string) (*process, error) {
	stderr, err := os.Create(filepath.Join(dir, name+".stderr"))
	if err != nil {
		return nil, err
	}
	stdout, err := os.Create(filepath.Join(dir, name+".stdout"))
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	p := &process{name: name, port: port, stderr: stderr}
	p.cmd = exec.CommandContext(ctx, "taskset", append([]string{"-c", core}, command...)...)
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := p.waitReady(); err != nil {
		p.stop()
		text, _ := os.ReadFile(stderr.Name())
		return nil, fmt.Errorf("start %s: %w\n%s", name, err, text)
	}
	return p, nil
}

const readyTimeout = 10 * time.Second

// waitReady returns when a request has been answered.
func (p *process) waitReady() error {
	for deadline := time.Now().Add(readyTimeout); time.Now().Before(deadline); {
		if answers(p.port) {
			p.ready = float64(time.Since(p.started).Microseconds()) / 1000
			return nil
		}
		time.Sleep(time.Millisecond / 2)
	}
	return errors.New("it does not answer")
}

// answers makes one request and reports whether there was a response.
func answers(port int) bool {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte(request)); err != nil {
		return false
	}
	n, err := c.Read(make([]byte, 1))
	return n == 1 && err == nil
}

const request = "GET /ping HTTP/1.1\r\nHost: bench\r\n\r\n"

func (p *process) stop() {
	if p.cmd.Process != nil {
		p.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(2*time.Second, func() { p.cmd.Process.Kill() })
		p.cmd.Wait()
		timer.Stop()
	}
	p.stderr.Close()
}

// pids are those of the process and its children.
func (p *process) pids() []int {
	pids := []int{p.cmd.Process.Pid}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pids[0], pids[0]))
	for _, f := range strings.Fields(string(children)) {
		if pid, err := strconv.Atoi(f); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// cpu is time spent, in microseconds.
type cpu struct {
	User, System float64
}

func (c cpu) total() float64 { return c.User + c.System }

// tick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux.
const tick = 10_000 // microseconds

// used returns what the process and its children have used so far.
func (p *process) used() (cpu, error) {
	var sum cpu
	for _, pid := range p.pids() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return sum, err
		}
		c, err := parseStat(string(stat))
		if err != nil {
			return sum, err
		}
		sum.User += c.User
		sum.System += c.System
	}
	return sum, nil
}

// parseStat reads utime and stime of a /proc/PID/stat: the 14th and 15th
// field, of which the second may hold blanks in its parentheses.
func parseStat(stat string) (cpu, error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) < 13 {
		return cpu{}, fmt.Errorf("unexpected /proc/PID/stat: %q", stat)
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return cpu{user * tick, system * tick}, errors.Join(err1, err2)
}

// memory returns the proportional set size of the process and its children in
// bytes.
func (p *process) memory() (float64, error) {
	sum := 0.0
	for _, pid := range p.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		pss, err := parsePss(string(text))
		if err != nil {
			return 0, err
		}
		sum += pss
	}
	return sum, nil
}

func parsePss(rollup string) (float64, error) {
	for line := range strings.Lines(rollup) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("no Pss in smaps_rollup")
}
