package config

import (
	"strings"
	"testing"
)

func TestKeysUnderTheirFormerNamesDoWhatTheyDid(t *testing.T) {
	c := mustParse(t, `
[basic]
log_capacity = 8192
[servers.web]
addr = ":443"
access_log = "/var/log/access.log {:reused} {:upstream_address} {:established} {:reused}"
locations = ["all"]
tls_cert = "/web.pem"
tls_key = "/web.key"
[servers.other]
addr = ":444"
locations = ["all"]
tls_cert = "/other.pem"
tls_key = "/other.key"
[locations.all]
plugins = ["page"]
[plugins.page]
category = "mock"
[certificates.other]
tls_cert = "/third.pem"
`)
	if c.Basic.LogBufferedSize != 8192 {
		t.Errorf("the log's buffer has %d bytes", c.Basic.LogBufferedSize)
	}
	if got, want := c.Servers[0].AccessLog, "/var/log/access.log {:connection_reused} {:upstream_addr} {:connection_time} {:connection_reused}"; got != want {
		t.Errorf("the access log is %s", got)
	}
	var got []string
	for _, s := range c.Certificates {
		got = append(got, s.Name+" "+s.TLSCert+" "+s.TLSKey)
		if s.IsDefault != (s.Name == "web") {
			t.Errorf("%s is the default: %v", s.Name, s.IsDefault)
		}
	}
	if want := "other /third.pem , web /web.pem /web.key, other_ /other.pem /other.key"; strings.Join(got, ", ") != want {
		t.Errorf("certificates are %s", strings.Join(got, ", "))
	}
	if !c.Servers[0].GlobalCertificates || !c.Servers[1].GlobalCertificates {
		t.Error("the servers answer in clear text")
	}
	if at := c.Certificates[1].At("tls_key").String(); at != "pingap.toml:9" {
		t.Errorf("the key stands at %s", at)
	}
	if len(c.Notes) != 8 {
		t.Errorf("notes are %v", c.Notes)
	}
}

func TestFormerNamesGiveWayToThoseOfToday(t *testing.T) {
	c := mustParse(t, `
[basic]
log_buffered_size = "16kb"
log_capacity = 8192
[servers.web]
addr = ":80"
locations = ["all"]
global_certificates = false
tls_cert = "/web.pem"
[locations.all]
plugins = ["page"]
[plugins.page]
category = "mock"
`)
	if c.Basic.LogBufferedSize != 16000 || c.Servers[0].GlobalCertificates || len(c.Certificates) > 0 {
		t.Errorf("%+v %+v", c.Basic, c.Servers[0])
	}
	for i, want := range []string{
		"pingap.toml:4: note: basic: log_capacity: has no effect beside log_buffered_size, as the key is called now",
		"pingap.toml:9: note: servers.web: tls_cert: has no effect beside global_certificates, which shows the sections [certificates.name]",
	} {
		if c.Notes[i].String() != want {
			t.Errorf("got %s, want %s", c.Notes[i], want)
		}
	}
}

func TestTreeThatWasReadKeepsItsFormerNames(t *testing.T) {
	var d Document
	d.AddTOML("a.toml", []byte("[basic]\nlog_capacity = 1\n"))
	basic, _ := d.Root().Field("basic")
	d.Decode()
	if _, ok := basic.Node.Field("log_capacity"); !ok {
		t.Error("the section that others hold has changed")
	}
}
