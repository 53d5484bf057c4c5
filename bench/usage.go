package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// usage is the CPU time that a process and its children have spent up to a
// moment. The scheduler counts the total to the nanosecond, but user and system
// time in ticks alone.
type usage struct {
	total        time.Duration
	user, system int // ticks
}

// since returns what was spent after an earlier moment, the total divided in
// the proportion of the ticks.
func (u usage) since(earlier usage) (user, system time.Duration) {
	total := u.total - earlier.total
	userTicks, ticks := u.user-earlier.user, u.user-earlier.user+u.system-earlier.system
	if ticks == 0 {
		return 0, total
	}
	user = total * time.Duration(userTicks) / time.Duration(ticks)
	return user, total - user
}

// usage returns what the process and its children have spent.
func (p *process) usage() (usage, error) {
	var sum usage
	for _, pid := range p.pids() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return sum, err
		}
		user, system, err := parseStat(string(stat))
		if err != nil {
			return sum, err
		}
		sum.user += user
		sum.system += system
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil {
			return sum, err
		}
		for _, name := range threads {
			schedstat, err := os.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
				continue // the thread has just ended
			}
			if err != nil {
				return sum, err
			}
			spent, err := parseSchedstat(string(schedstat))
			if err != nil {
				return sum, err
			}
			sum.total += spent
		}
	}
	return sum, nil
}

// parseStat returns utime and stime of a /proc/PID/stat: the 14th and 15th
// field, of which the second may hold blanks and parentheses.
func parseStat(stat string) (user, system int, err error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) < 13 {
		return 0, 0, fmt.Errorf("unexpected /proc/PID/stat: %q", stat)
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return user, system, errors.Join(err1, err2)
}

// parseSchedstat returns the time that a thread has run: the first field, in
// nanoseconds.
func parseSchedstat(schedstat string) (time.Duration, error) {
	first, _, _ := strings.Cut(schedstat, " ")
	ns, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("unexpected schedstat: %q", schedstat)
	}
	return time.Duration(ns), nil
}

// pids are those of the process and all its children.
func (p *process) pids() []int {
	pids := []int{p.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i]))
		for _, name := range lists {
			children, _ := os.ReadFile(name)
			for _, f := range strings.Fields(string(children)) {
				if pid, err := strconv.Atoi(f); err == nil {
					pids = append(pids, pid)
				}
			}
		}
	}
	return pids
}

// memory returns the proportional set size of the process and its children, in
// bytes: what they share counts once.
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

// parsePss returns the line Pss of a /proc/PID/smaps_rollup, in bytes.
func parsePss(rollup string) (float64, error) {
	for line := range strings.Lines(rollup) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("no line Pss in smaps_rollup")
}

// coreBusy returns for how long programs, and the kernel on their behalf, have
// kept a core busy.
func coreBusy(core int) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseCoreBusy(string(stat), core)
}

// parseCoreBusy adds user, nice and system of a core's line in /proc/stat.
func parseCoreBusy(stat string, core int) (time.Duration, error) {
	for line := range strings.Lines(stat) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[0] != fmt.Sprintf("cpu%d", core) {
			continue
		}
		ticks := 0
		for _, f := range fields[1:4] {
			n, err := strconv.Atoi(f)
			if err != nil {
				return 0, fmt.Errorf("unexpected line in /proc/stat: %q", line)
			}
			ticks += n
		}
		return time.Duration(ticks) * tick, nil
	}
	return 0, fmt.Errorf("no core %d in /proc/stat", core)
}
