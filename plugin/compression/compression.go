// Package compression is the plugin that compresses answers on their way, with
// gzip, brotli or Zstandard, and decompresses what a client cannot read.
//
// Content is compressed as it comes: what an upstream has sent, and follows up
// with nothing, goes out after a short pause, so that a stream of events is not
// held up.
package compression

import (
	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a compression plugin.
type settings struct {
	// GzipLevel is how hard gzip tries, 1 to 9; 0 is off.
	GzipLevel int `config:"gzip_level" min:"0" max:"9"`
	// BrLevel is how hard brotli tries, 1 to 11; 0 is off. From 9 on it takes
	// much more time for little.
	BrLevel int `config:"br_level" min:"0" max:"11"`
	// ZstdLevel is how hard Zstandard tries, 1 to 22; 0 is off. All from 10 on
	// are the same.
	ZstdLevel int `config:"zstd_level" min:"0" max:"22"`
	// Mode tells whose content is compressed: downstream, whatever goes to the
	// client; upstream, what the upstream sends, so that a cache keeps it
	// compressed.
	Mode string `config:"mode" enum:"downstream,upstream" default:"downstream"`
	// MinLength is the least length of content that is compressed. Content whose
	// length is not known beforehand is.
	MinLength config.Size `config:"min_length"`
	// Decompression makes content readable for clients that do not accept the
	// coding in which the upstream sends it.
	Decompression bool `config:"decompression"`
}

const everyCodec = "gzip_level = 6\nbr_level = 6\nzstd_level = 6\n"

func init() {
	plugin.Register(plugin.Kind{
		Category: "compression",
		Steps:    []plugin.Step{plugin.EarlyRequest, plugin.UpstreamResponse},
		New:      build,
		ReadyMade: map[string]string{
			"pingap:compression":         everyCodec,
			"pingap:compressionUpstream": everyCodec + `mode = "upstream"`,
		},
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	c := &compression{minLength: int64(s.MinLength), decompress: s.Decompression, step: plugin.EarlyRequest}
	if s.Mode == "upstream" {
		c.step = plugin.UpstreamResponse
	}
	// The one that is liked best comes first.
	for _, codec := range []*codec{zstdCodec(s.ZstdLevel), brotliCodec(s.BrLevel), gzipCodec(s.GzipLevel)} {
		if codec != nil {
			c.codecs = append(c.codecs, codec)
		}
	}
	c.bodies.New = func() any { return newEncodedBody(&c.bodies) }
	c.decoded.New = func() any { return newDecodedBody(&c.decoded) }
	if len(c.codecs) == 0 && !c.decompress && len(problems) == 0 {
		problems = append(problems, table.Warning("", "does nothing: all levels are 0", "write gzip_level = 6, br_level = 6 or zstd_level = 6"))
	}
	return c, problems
}

type compression struct {
	codecs     []*codec // the one that is liked best first
	minLength  int64
	decompress bool
	step       plugin.Step

	bodies  pool // of *encodedBody
	decoded pool // of *decodedBody
}

// Step is where the mode puts the plugin.
func (c *compression) Step() plugin.Step { return c.step }

// Wrap transforms the answers of next as the client accepts them.
func (c *compression) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if err := next.Serve(x); err != nil {
			return err
		}
		if plugin.MayTransform(x) {
			c.transform(x)
		}
		return nil
	})
}

const (
	accepted = "Accept-Encoding"
	coding   = "Content-Encoding"
)

func (c *compression) transform(x *message.Exchange) {
	h := &x.Response.Header
	if c.decompress && h.Has(coding) {
		c.decode(x)
	}
	if len(c.codecs) == 0 || plugin.Encoded(h) || !compressible(h.Get("Content-Type")) ||
		x.Response.Length >= 0 && x.Response.Length < c.minLength {
		return
	}
	// Another client would have got something else, even if this one gets the
	// content as it is.
	plugin.Vary(h, accepted)
	codec := c.choose(&x.Request.Header)
	if codec == nil {
		return
	}
	if !hasContent(x) {
		announce(x, codec.name)
		return
	}
	if work := codec.take(); work != nil {
		b := c.bodies.Get().(*encodedBody)
		b.start(x, codec, work)
		announce(x, codec.name)
		x.Response.Body = b
	}
}

// hasContent reports whether anybody is going to read the content.
func hasContent(x *message.Exchange) bool { return x.Request.Method != "HEAD" }

// announce changes the fields to those of the content in a coding; "" is none.
func announce(x *message.Exchange, name string) {
	plugin.Transformed(x)
	if name == "" {
		x.Response.Header.Del(coding)
	} else {
		x.Response.Header.Set(coding, name)
	}
}

// choose returns the codec that the client wants most of those that are free, or
// nil if it wants none, or rather the content as it is (RFC 9110 section 12.5.3).
func (c *compression) choose(request *message.Header) *codec {
	var best *codec
	most, _ := request.Weight(accepted, "identity")
	for _, codec := range c.codecs {
		if codec.full() {
			continue
		}
		weight, _ := request.Weight(accepted, codec.name)
		if weight > most || best == nil && weight > 0 && weight == most {
			best, most = codec, weight
		}
	}
	return best
}

// decode has content decoded that the client does not accept as it is.
func (c *compression) decode(x *message.Exchange) {
	name := x.Response.Header.Get(coding)
	d := decoderOf(name)
	if d == nil {
		return
	}
	plugin.Vary(&x.Response.Header, accepted)
	if weight, _ := x.Request.Header.Weight(accepted, d.name); weight > 0 {
		return
	}
	if hasContent(x) {
		b := c.decoded.Get().(*decodedBody)
		b.start(x, d)
		x.Response.Body = b
	}
	announce(x, "")
}
