// Package store is where configurations are kept: in a file, in the files of a
// directory, in etcd, or in memory. A Store is opened once from what the user
// named (see Open), read as often as needed, changed by item, and watched.
//
//	s, err := store.Open("/etc/pingap?separation&enable_history=true")
//	snapshot, err := s.Read(ctx)         all texts as they are at one moment
//	c, problems := snapshot.Decode()     what package config makes of them
//	next, err := snapshot.With(edit)     as it would be: to be checked before
//	err = s.Save(ctx, "alice", edit)     all edits or none, on disk when it returns
//	err = s.SaveIf(ctx, "alice", check, edit)  unless check finds fault with the result
//	changed := s.Watch(ctx, snapshot.Revision(), report)
//	versions, err := s.History(ctx, "servers", "main")
//	err = s.Save(ctx, "alice", versions[3].Restore(revision))
//	err = s.Keep(ctx, snapshot)          a copy, for a start without etcd
//	edits, err := store.Sync(ctx, "alice", s, other)
//	report, err := s.Fold(ctx)           files as the layout has them
//
// # Items
//
// A configuration is made of items: sections such as [basic] or
// [servers.main]. An item is its TOML text, with the header, what stands below
// it and the comments right above. The layout of a store says which of its
// texts a new item goes to; an item that stands elsewhere is read and replaced
// where it stands. Whatever else a text holds stays as it is.
//
// # Two writers
//
// An Edit says which revision of the item its author has seen. When the item is
// another one by now, Save refuses with a *Conflict. Edits of different items
// do not get in each other's way: in files, savers wait for each other with a
// lock on the directory; in etcd, a transaction that meets another is begun
// anew. Where a save is right only beside what else is stored, as a location is
// beside its upstream, SaveIf makes sure that nothing else has changed either.
//
// # Crashes
//
// A reader finds the configuration as it was before a save or as it is after
// it, whenever the process or the machine stops. A file is written under
// another name, brought to disk, and renamed. A save of several files prepares
// them all, and then counts as done as soon as a list of them, the journal, has
// its name; see the type journal.
//
// # etcd
//
//	etcd://h1:2379,h2:2379/prefix?timeout=10s&user=pingap&password=...
//
// Items are the keys <prefix>/basic.toml, <prefix>/servers/<name>.toml and so
// on; earlier versions are below <prefix>-history/. A save is one transaction,
// however many items it has; more than 1.25 MiB are several, and who reads
// between them finds a part. Options:
//
//	timeout               of each request; 10s
//	connect_timeout       of each connection; 5s
//	user, password        both or none
//	tls                   speak TLS, with the authorities that the system trusts
//	ca                    or with those of a PEM file
//	cert, key             show a certificate; PEM files, read for each connection
//	insecure_skip_verify  take any certificate
//	enable_history        keep earlier versions
//	cache                 a file for a copy of the last good configuration
//
// A watch outlives etcd: it goes on from the revision it has seen, compares
// anew where that is compacted away, and tries again after pauses that grow to
// 15 s. With the option cache, what was given to Keep is what Read returns until
// etcd has answered for the first time, so that a proxy starts without it.
//
// # Media
//
// What differs between media is the interface medium: texts by key, changed all
// or none. Items, layouts, edits and history are written once, above it.
package store
