package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

const limited = `
[servers.main]
addr = "<ADDR>"
locations = ["rate", "inflight", "header"]
enabled_h2 = true
[locations.rate]
path = "/rate"
plugins = ["rate", "wide"]
upstream = "peer"
[locations.header]
path = "/header"
plugins = ["header"]
upstream = "peer"
[locations.inflight]
path = "/inflight"
plugins = ["inflight", "more-inflight"]
upstream = "peer"
[plugins.rate]
category = "limit"
max = 5
interval = "1h"
[plugins.wide]
category = "limit"
max = 100
interval = "1h"
[plugins.header]
category = "limit"
tag = "header"
key = "X-Client"
max = 1
interval = "1s"
[plugins.inflight]
category = "limit"
type = "inflight"
max = 2
[plugins.more-inflight]
category = "limit"
type = "inflight"
max = 3
[upstreams.peer]
addrs = [%q]
`

// All loops and both versions count for one limit.
func TestRateIsLimited(t *testing.T) {
	p := startProxy(t, fmt.Sprintf(limited, serve(t, func(w http.ResponseWriter, r *http.Request) {})))
	statuses := map[int]int{}
	for range 4 {
		for _, c := range bothVersions(t) { // fresh connections, for any loop
			response, content := answerTo(t, c, p.url("/rate"))
			statuses[response.StatusCode]++
			if response.StatusCode != 429 {
				continue
			}
			seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
			if err != nil || seconds < 3000 || seconds > 4000 || content != "Plugin limit, exceed limit 6/5" {
				t.Errorf("Retry-After %d, %v; %q", seconds, err, content)
			}
		}
	}
	if statuses[200] != 5 || statuses[429] != 3 {
		t.Errorf("%v, want 5 that pass", statuses)
	}
}

func TestLimitLetsThroughAgainWhenItSays(t *testing.T) {
	p := startProxy(t, fmt.Sprintf(limited, serve(t, func(w http.ResponseWriter, r *http.Request) {})))
	c := newClient(t)
	for _, client := range []string{"a", "b", "b", ""} {
		answerTo(t, c, p.url("/header"), "X-Client: "+client)
	}
	if response, _ := answerTo(t, c, p.url("/header")); response.StatusCode != 200 {
		t.Errorf("a request without the field: %s", response.Status)
	}
	eventually(t, "let a client through again", func() error {
		if response, _ := answerTo(t, c, p.url("/header"), "X-Client: b"); response.StatusCode != 200 {
			return fmt.Errorf("%s, Retry-After %s", response.Status, response.Header.Get("Retry-After"))
		}
		return nil
	})
}

func TestExchangesInFlightAreLimited(t *testing.T) {
	arrived, release := make(chan bool, 10), make(chan bool)
	p := startProxy(t, fmt.Sprintf(limited, serve(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		w.Write([]byte("begin"))
		w.(http.Flusher).Flush()
		<-release
	})))
	c := newClient(t)
	var held []*http.Response
	hold := func() {
		response, err := c.Get(p.url("/inflight"))
		if err != nil {
			t.Fatal(err)
		}
		<-arrived
		held = append(held, response)
	}
	hold()
	hold()
	// The head of the answers has come long ago: what counts is the last byte.
	for version, c := range bothVersions(t) {
		if response, content := answerTo(t, c, p.url("/inflight")); response.StatusCode != 429 || !strings.HasSuffix(content, "3/2") || response.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %s %q", version, response.Status, content)
		}
	}
	held[0].Body.Close() // the client leaves
	eventually(t, "let another in", func() error {
		response, err := c.Get(p.url("/inflight"))
		if err != nil {
			return err
		}
		if response.StatusCode != 200 {
			response.Body.Close()
			return fmt.Errorf("%s", response.Status)
		}
		held = append(held, response)
		return nil
	})
	close(release)
	for _, response := range held {
		response.Body.Close()
	}
}
