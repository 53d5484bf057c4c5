// Package stats is the plugin that tells how the server, the location and the
// process are, as JSON.
package stats

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a stats plugin.
type settings struct {
	// Path that is answered, exactly. Without it the plugin answers nothing.
	Path string `config:"path"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category:  "stats",
		Steps:     []plugin.Step{plugin.Request, plugin.ProxyUpstream},
		New:       build,
		ReadyMade: map[string]string{"pingap:stats": `path = "/stats"`},
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	return &stats{path: s.Path, process: env.Process}, problems
}

// report is what is told, under the names that Pingap has for it.
type report struct {
	Processing         int64  `json:"processing"` // of the server
	Accepted           int64  `json:"accepted"`
	LocationProcessing int64  `json:"location_processing"`
	LocationAccepted   int64  `json:"location_accepted"`
	Hostname           string `json:"hostname"`
	Version            string `json:"version"`
	GoVersion          string `json:"go_version"`
	StartTime          int64  `json:"start_time"` // seconds since 1970
	Uptime             string `json:"uptime"`
	MemoryMB           int64  `json:"memory_mb"`
	Memory             string `json:"memory"`
	TotalMemory        string `json:"total_memory"` // of the machine
	UsedMemory         string `json:"used_memory"`
	Arch               string `json:"arch"`
	CPUs               int    `json:"cpus"`
	PhysicalCPUs       int    `json:"physical_cpus"`
	Threads            int    `json:"threads"`
	FDCount            int    `json:"fd_count"`
	TCPCount           int    `json:"tcp_count"`
	TCP6Count          int    `json:"tcp6_count"`
}

type stats struct {
	path    string
	process func() plugin.Process
}

var header = []message.Field{{Name: "Content-Type", Value: "application/json"}}

// Wrap answers requests for the path, whatever their method, and passes on the
// others.
func (s *stats) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if s.path == "" || x.Request.Path != s.path {
			return next.Serve(x)
		}
		var r report
		r.count(x)
		var text []byte
		var err error
		x.Loop.Await(func() {
			r.describe(s.process(), time.Now())
			text, err = json.Marshal(&r)
		})
		if err != nil {
			return err
		}
		plugin.Answer(x, 200, &plugin.Content{Header: header, Data: text})
		return nil
	})
}

// count tells of the exchanges, this one among them.
func (r *report) count(x *message.Exchange) {
	if x.Processing != nil {
		r.Processing, r.Accepted = x.Processing(), x.Accepted()
	}
	if x.LocationCounts != nil {
		r.LocationProcessing, r.LocationAccepted = x.LocationCounts()
	}
}

func (r *report) describe(p plugin.Process, now time.Time) {
	r.Hostname, r.Version, r.GoVersion = p.Hostname, p.Version, runtime.Version()
	r.StartTime, r.Uptime = p.Started.Unix(), age(now.Sub(p.Started))
	r.MemoryMB, r.Memory = p.Resident/1e6, size(p.Resident)
	r.TotalMemory, r.UsedMemory = size(p.Memory), size(p.Used)
	r.Arch, r.CPUs, r.PhysicalCPUs = runtime.GOARCH, runtime.NumCPU(), p.Cores
	r.Threads, r.FDCount, r.TCPCount, r.TCP6Count = p.Threads, p.Files, p.TCP, p.TCP6
}

// age is a duration in its two largest units, such as "3days 4h".
func age(d time.Duration) string {
	seconds := int64(d / time.Second)
	units := []struct {
		name    string
		seconds int64
	}{{"day", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}
	var parts []string
	for _, u := range units {
		n := seconds / u.seconds
		seconds %= u.seconds
		switch {
		case n > 1 && u.name == "day":
			parts = append(parts, fmt.Sprintf("%ddays", n))
		case n > 0:
			parts = append(parts, fmt.Sprintf("%d%s", n, u.name))
		}
		if len(parts) == 2 {
			break
		}
	}
	if len(parts) == 0 {
		return "0s"
	}
	return strings.Join(parts, " ")
}

// size is a number of bytes for people, such as "1.2GB".
func size(bytes int64) string {
	v, units := float64(bytes), []string{"B", "KB", "MB", "GB", "TB"}
	i := 0
	for ; v >= 1000 && i < len(units)-1; i++ {
		v /= 1000
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + units[i]
}
