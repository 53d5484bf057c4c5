// Package directory is the plugin that serves the files of a directory.
//
// Whatever may wait for a disk is done beside the loop: finding and opening a file,
// reading it piece by piece, listing a directory.
package directory

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a directory plugin.
type settings struct {
	// Path of the directory; ~ is the home directory.
	Path string `config:"path" required:"true" example:"/var/www"`
	// Index is the file that stands for the directory in which it is.
	Index string `config:"index" default:"index.html"`
	// Autoindex lists directories that have no index.
	Autoindex bool `config:"autoindex"`
	// ChunkSize is how much of a large file is read at a time, in any case between
	// 64 KiB and 1 MiB.
	ChunkSize config.Size `config:"chunk_size" default:"256KiB"`
	// MaxAge is how long caches may keep files other than HTML. Without it they
	// ask each time.
	MaxAge time.Duration `config:"max_age"`
	// Private keeps files out of caches that several users share.
	Private bool `config:"private"`
	// Charset is told with the types of texts.
	Charset string `config:"charset" example:"utf-8"`
	// Download has browsers keep files instead of showing them.
	Download bool `config:"download"`
	// FollowSymlinks lets symbolic links lead out of the directory.
	FollowSymlinks bool `config:"follow_symlinks" default:"true"`
	// Headers are further fields of the answers, each "Name: value".
	Headers []config.Header `config:"headers"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "directory",
		Steps:    []plugin.Step{plugin.Request, plugin.ProxyUpstream},
		New:      build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	root, err := config.ExpandHome(s.Path)
	if err != nil {
		problems = append(problems, table.Problem("path", err.Error(), "write the whole path"))
	}
	if s.Index != "" && !fs.ValidPath(s.Index) {
		problems = append(problems, table.Problem("index", "does not lead to a file below the directory", `write the name of a file, such as "index.html"`))
	}
	if !isCharset(s.Charset) {
		problems = append(problems, table.Problem("charset", strconv.Quote(s.Charset)+" is no name of a charset", `write charset = "utf-8"`))
	}
	d := &directory{
		root: root, index: s.Index, autoindex: s.Autoindex, chunk: int(min(max(s.ChunkSize, leastChunk), mostChunk)), confined: !s.FollowSymlinks,
		header: newFields(&s),
		logger: env.Logger,
	}
	d.bodies.New = func() any { return newFileBody(&d.bodies) }
	return d, problems
}

// leastChunk is what is read at a time at least, since going to the disk and back
// costs more than copying it, mostChunk what each answer may have in memory.
const (
	leastChunk = 64 << 10
	mostChunk  = 1 << 20
)

type directory struct {
	root      string
	index     string // "" for none
	autoindex bool
	chunk     int  // bytes
	confined  bool // links must not lead out
	header    fields
	logger    *slog.Logger

	bodies sync.Pool // of *fileBody
}

// Wrap answers all requests; next is never asked.
func (d *directory) Wrap(message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if m := x.Request.Method; m != "GET" && m != "HEAD" {
			refuse(x, 405)
			x.Response.Header.Add("Allow", "GET, HEAD")
			return nil
		}
		name, err := nameOf(x.Request.Path)
		if err != nil {
			d.fail(x, err)
			return nil
		}
		d.serve(x, name)
		return nil
	})
}

// serve answers with what is found under a name.
func (d *directory) serve(x *message.Exchange, name target) {
	b := d.bodies.Get().(*fileBody)
	b.start(x, d.chunk)
	var found finding
	b.first = x.Loop.Buffer(leastChunk)
	x.Loop.Await(func() { found = d.find(name, b) })
	switch {
	case found.err != nil:
		d.fail(x, found.err)
	case found.listing != nil:
		plugin.Answer(x, 200, &plugin.Content{Header: listingFields, Data: found.listing})
	case found.redirect:
		refuse(x, 301)
		location := name.asDirectory()
		if x.Request.HasQuery {
			location += "?" + x.Request.Query
		}
		x.Response.Header.Set("Location", location)
	default:
		d.answer(x, b, found)
	}
}

var listingFields = []message.Field{{Name: "Content-Type", Value: "text/html; charset=utf-8"}}

// fail answers for an error of the file system. Which file it was is for the log.
func (d *directory) fail(x *message.Exchange, err error) {
	switch {
	case errors.Is(err, errEscape), errors.Is(err, fs.ErrPermission):
		refuse(x, 403)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG),
		errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENXIO), errors.Is(err, errNoFile):
		refuse(x, 404)
	default:
		d.logger.Error("a file cannot be served", "root", d.root, "path", x.Request.Path, "error", err)
		refuse(x, 500)
	}
}

// refuse answers with a status and a text that says it.
func refuse(x *message.Exchange, status int) {
	plugin.Answer(x, status, refusals[status])
}

var refusals = func() map[int]*plugin.Content {
	all := map[int]*plugin.Content{}
	for status, text := range map[int]string{
		301: "Moved Permanently", 403: "You do not have permission to access this resource", 404: "Not Found",
		405: "Method Not Allowed", 412: "Precondition Failed", 416: "Range Not Satisfiable", 500: "File access error",
	} {
		all[status] = &plugin.Content{Header: []message.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}}, Data: []byte(text)}
	}
	return all
}()

// errNoFile is what stands for a pipe, a device or a socket: to open them would
// wait for somebody, or do something.
var errNoFile = errors.New("neither a file nor a directory")

// errEscape says that a link leads out of the directory.
var errEscape = errors.New("leads out of the directory")

// isEscape reports whether an error of os.Root is about a link that leads out. It
// has no name there.
func isEscape(err error) bool {
	path, ok := errors.AsType[*os.PathError](err)
	return ok && path.Err.Error() == "path escapes from parent"
}
