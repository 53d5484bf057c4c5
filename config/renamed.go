package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// renamed are keys of Pingap that have another name by now, by kind of section.
var renamed = map[string]map[string]string{
	"basic": {"log_capacity": "log_buffered_size"},
}

// renamedTags are values in formats of the access log that have another name
// by now.
var renamedTags = []struct{ was, is string }{
	{"{:reused}", "{:connection_reused}"}, {"{:upstream_address}", "{:upstream_addr}"}, {"{:established}", "{:connection_time}"},
}

// renew puts what Pingap wrote otherwise once into the form it has today, with
// a note at each place. It works on copies of the sections, so that what others
// have seen of the tree stays as it was.
func (d *Document) renew() {
	for i := range d.root.Fields {
		kind := &d.root.Fields[i]
		if kind.Node.Kind != KindTable {
			continue
		}
		if kind.Key == "basic" {
			d.renewKeys(kind.Key, kind.Key, kind)
			continue
		}
		for j := range kind.Node.Fields {
			if section := &kind.Node.Fields[j]; section.Node.Kind == KindTable {
				d.renewKeys(kind.Key, kind.Key+"."+section.Key, section)
			}
		}
	}
	servers, ok := d.root.Field("servers")
	if !ok || servers.Node.Kind != KindTable {
		return
	}
	for i := range servers.Node.Fields {
		if server := &servers.Node.Fields[i]; server.Node.Kind == KindTable {
			d.renewAccessLog(server)
			d.renewCertificate(server)
		}
	}
}

// renewKeys gives the keys of a section the names they have today.
func (d *Document) renewKeys(kind, name string, section *Field) {
	for was, is := range renamed[kind] {
		f, ok := section.Node.Field(was)
		if !ok {
			continue
		}
		section.Node = section.Node.without(was)
		if section.Node.Set(Field{is, f.Position, f.Node}) {
			d.found.note(f.Position, name, was, fmt.Sprintf("the key is called %s now", is))
		} else {
			d.found.note(f.Position, name, was, fmt.Sprintf("has no effect beside %s, as the key is called now", is))
		}
	}
}

// renewAccessLog gives values in a format the names they have today.
func (d *Document) renewAccessLog(server *Field) {
	f, ok := server.Node.Field("access_log")
	if !ok || f.Node.Kind != KindString {
		return
	}
	format := *f.Node
	for _, tag := range renamedTags {
		if strings.Contains(format.Text, tag.was) {
			format.Text = strings.ReplaceAll(format.Text, tag.was, tag.is)
			d.found.note(f.Node.Position, "servers."+server.Key, f.Key, fmt.Sprintf("%s is called %s now", tag.was, tag.is))
		}
	}
	if format.Text != f.Node.Text {
		server.Node = server.Node.without(f.Key)
		server.Node.set(Field{f.Key, f.Position, &format})
	}
}

// certificateKeys are the keys that servers had for their certificate.
var certificateKeys = []string{"tls_cert", "tls_key", "lets_encrypt"}

// renewCertificate makes the certificate of a server, which Pingap had there
// until 0.5.20, a section of its own, and the server one that shows it.
func (d *Document) renewCertificate(server *Field) {
	name := "servers." + server.Key
	_, today := server.Node.Field("global_certificates")
	var moved []Field
	for _, key := range certificateKeys {
		f, ok := server.Node.Field(key)
		if !ok {
			continue
		}
		server.Node = server.Node.without(key)
		switch {
		case f.Node.Kind == KindString && f.Node.Text == "":
		case today:
			d.found.note(f.Position, name, key, "has no effect beside global_certificates, which shows the sections [certificates.name]")
		default:
			moved = append(moved, f)
		}
	}
	if len(moved) == 0 {
		return
	}
	at := moved[0].Position
	server.Node.set(Field{"global_certificates", at, truth(at)})
	certificates := d.kindTable("certificates", at)
	if certificates.Kind != KindTable {
		return // which is reported
	}
	section := Field{server.Key, at, &Node{Kind: KindTable, Position: at, origin: header}}
	for _, f := range moved {
		if f.Key == "lets_encrypt" {
			section.Node.set(Field{"acme", f.Position, &Node{Kind: KindString, Text: f.Key, Position: f.Node.Position, origin: literal}})
			f.Key = "domains"
		}
		section.Node.set(f)
	}
	if !slices.ContainsFunc(certificates.Fields, isDefault) {
		section.Node.set(Field{"is_default", at, truth(at)}) // it was the one for all names
	}
	for !certificates.Set(section) {
		section.Key += "_"
	}
	for _, f := range moved {
		d.found.note(f.Position, name, f.Key, fmt.Sprintf("is taken as a section [certificates.%s], where it belongs now, with global_certificates = true in the server", quoteName(section.Key)))
	}
}

// truth is the value true, as if it stood somewhere.
func truth(at Position) *Node {
	return &Node{Kind: KindBool, Bool: true, Position: at, origin: literal}
}

// isDefault reports whether a section of a certificate says that it is the
// default.
func isDefault(section Field) bool {
	f := section.Node.child("is_default")
	return f != nil && f.Bool
}

// FormerKeys returns the keys that sections of a kind once had and are still
// read, each with what is to know of it.
func FormerKeys(kind string) map[string]string {
	former := make(map[string]string)
	switch kind {
	case "basic":
		maps.Copy(former, (*Basic)(nil).dropped())
	case "servers":
		for _, key := range certificateKeys {
			former[key] = "belongs into a section [certificates.name]"
		}
	}
	for was, is := range renamed[kind] {
		former[was] = "is called " + is
	}
	return former
}
