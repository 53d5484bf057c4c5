// Package imageoptim is the plugin that makes the PNG and JPEG images of an
// upstream smaller: as AVIF or WebP for clients that say that they take those, and
// otherwise in their own format.
//
// An image is answered only when the work is done or given up, since the fields of
// the answer tell what has become of it. Whatever goes wrong, the client gets the
// image that the upstream has sent.
package imageoptim

import (
	"fmt"
	"strings"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of an image_optim plugin.
type settings struct {
	// OutputTypes are the formats, avif and webp with a comma, that take the place of
	// PNG and JPEG where the client names them in Accept. Of those that it wants
	// alike the first is taken. Without it images keep their format.
	OutputTypes string `config:"output_types" example:"avif,webp"`
	// PngQuality is how much of a PNG is kept, 1 to 100: below 100 it may get a
	// palette of 256 colors, if that does not change it by more than the quality
	// allows.
	PngQuality int `config:"png_quality" default:"90" min:"1" max:"100"`
	// JpegQuality is the quality of JPEG, and of the WebP that is made of it, 1 to
	// 100.
	JpegQuality int `config:"jpeg_quality" default:"80" min:"1" max:"100"`
	// AvifQuality is the quality of AVIF, 1 to 100.
	AvifQuality int `config:"avif_quality" default:"75" min:"1" max:"100"`
	// AvifSpeed is how fast AVIF is made, 1 to 10: a lower speed makes it smaller.
	AvifSpeed int `config:"avif_speed" default:"3" min:"1" max:"10"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "image_optim",
		Steps:    []plugin.Step{plugin.UpstreamResponse, plugin.Response},
		New:      build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	outputs, more := outputsOf(table, s.OutputTypes)
	return newOptimizer(s, outputs, env.Logger), append(problems, more...)
}

// outputsOf reads the key output_types.
func outputsOf(table *config.Table, text string) (outputs []format, problems config.Problems) {
	for word := range strings.SplitSeq(text, ",") {
		switch word = strings.TrimSpace(word); word {
		case "":
		case "avif":
			outputs = append(outputs, avif)
		case "webp":
			outputs = append(outputs, webp)
		case "png", "jpeg":
			problems = append(problems, table.Warning("output_types", word+" has no effect: an image that becomes no other format keeps its own", "remove it"))
		default:
			hint := config.Suggest(word, []string{"avif", "webp"})
			if hint == "" {
				hint = `write "avif,webp"`
			}
			problems = append(problems, table.Problem("output_types", fmt.Sprintf("there is no format %q to make of images", word), hint))
		}
	}
	return outputs, problems
}

// Wrap makes the images smaller that next answers with.
func (o *optimizer) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if err := next.Serve(x); err != nil {
			return err
		}
		if own := concerns(x); own != none {
			o.serve(x, own)
		}
		return nil
	})
}

// concerns returns the format of an answer that may be changed, or none: one that
// is whole, not encoded, and not too long.
func concerns(x *message.Exchange) format {
	r := &x.Response
	if m := x.Request.Method; m != "GET" && m != "HEAD" || r.Status != 200 || r.Length > maxContent {
		return none
	}
	own := formatOf(r.Header.Get("Content-Type"))
	if own == none || !plugin.MayTransform(x) || plugin.Encoded(&r.Header) {
		return none
	}
	return own
}

// serve answers with the smaller image, if there is one.
func (o *optimizer) serve(x *message.Exchange, own format) {
	target := own
	if len(o.outputs) > 0 {
		plugin.Vary(&x.Response.Header, "Accept")
		target = o.choose(&x.Request.Header, own)
	}
	if x.Request.Method == "HEAD" {
		// What GET would bring is known only when it is made (RFC 9110 section 9.3.2).
		plugin.Transformed(x)
		if target != own {
			x.Response.Header.Del("Content-Type")
		}
		return
	}
	content := o.gather(x)
	if content == nil {
		return
	}
	smaller := o.smaller(x, job{own: own, target: target, content: content})
	if smaller == nil {
		x.Response.Body = x.BytesBody(content)
		x.Response.Length = int64(len(content))
		return
	}
	plugin.Transformed(x)
	x.Response.Header.Set("Content-Type", target.mediaType())
	x.Response.Body = x.BytesBody(smaller)
	x.Response.Length = int64(len(smaller))
}

// choose returns the format that the client wants most. Only one that it names is
// better than what there is: those that take image/* or */* are mostly programs
// that know nothing of newer formats.
func (o *optimizer) choose(request *message.Header, own format) format {
	best := own
	most, _ := request.MediaWeight("Accept", own.mediaType())
	for _, f := range o.outputs {
		weight, named := request.MediaWeight("Accept", f.mediaType())
		if named && (weight > most || best == own && weight > 0 && weight == most) {
			best, most = f, weight
		}
	}
	return best
}
