package telemetry

import (
	"os"
	"testing"
)

func TestProcessKnowsItself(t *testing.T) {
	before := Process("1.2.3")
	held, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	p := Process("1.2.3")
	if p.Files <= before.Files-1 || p.Files < 3 || p.Version != "1.2.3" || p.Threads < 1 || p.Started.IsZero() || p.Hostname == "" {
		t.Errorf("%+v, before %+v", p, before)
	}
	if p.Resident < 1<<20 || p.Memory < p.Resident || p.Used <= 0 || p.Used > p.Memory {
		t.Errorf("memory: %+v", p)
	}
}

func TestCoresOfSeveralCPUsCountOnce(t *testing.T) {
	const two = "processor\t: 0\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor\t: 1\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor\t: 2\nphysical id\t: 1\ncore id\t\t: 0\n"
	if n := cores(two); n != 2 {
		t.Errorf("%d cores", n)
	}
}
