package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestLowPortsCanBeAddedAfterRootIsGone(t *testing.T) {
	if os.Geteuid() != 0 {
		// skip: only root can give its rights away, and CI is root.
		t.Skip("not root")
	}
	// The program as it is released: without C.
	dir, err := os.MkdirTemp("", "pingap-e2e-") // where another user can go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	pure := filepath.Join(dir, "pingap")
	build := exec.Command("go", "build", "-o", pure, "pingap/cmd/pingap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	addr := freeAddr(t)
	host, _, _ := net.SplitHostPort(addr)
	text := "[basic]\nuser = \"nobody\"\nupgrade_sock = \"" + dir + "/up\"\n" + strings.Replace(proxyTo("127.0.0.1:1"), "<ADDR>", "<ADDRS>", 1)
	conf := writeFile(t, dir, "pingap.toml", strings.Replace(text, "<ADDRS>", addr, 1))
	p := start(t, pure, "-c", conf)
	p.answers(t, addr)
	// It listens while it is still root, but serves nobody before it is not.
	once := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r, err := once.Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if status := readFile(t, fmt.Sprintf("/proc/%d/status", p.Process.Pid)); !strings.Contains(status, "Uid:\t65534\t65534\t65534\t65534\n") || !strings.Contains(status, "CapEff:\t0000000000000400\n") {
		t.Errorf("the process is\n%s", status)
	}
	writeFile(t, dir, "pingap.toml", strings.Replace(text, "<ADDRS>", addr+", "+host+":81", 1))
	p.signal(t, syscall.SIGHUP)
	p.answers(t, host+":81")
	// So can a process that this one has started.
	p.signal(t, syscall.SIGUSR2)
	var next int
	// Before it serves, a signal to it would end it: it is alone then.
	eventually(t, "take over", func() error {
		pids := pidsOf(pure)
		if len(pids) != 1 || pids[0] == p.Process.Pid {
			return fmt.Errorf("processes %v run, %d was started", pids, p.Process.Pid)
		}
		next = pids[0]
		return nil
	})
	defer syscall.Kill(next, syscall.SIGKILL)
	writeFile(t, dir, "pingap.toml", strings.Replace(text, "<ADDRS>", addr+", "+host+":82", 1))
	eventually(t, "listen on a low port", func() error {
		if err := syscall.Kill(next, syscall.SIGHUP); err != nil {
			return err
		}
		conn, err := net.Dial("tcp", host+":82")
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// pidsOf finds the processes that run a program.
func pidsOf(program string) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == program {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			pids = append(pids, pid)
		}
	}
	return pids
}
