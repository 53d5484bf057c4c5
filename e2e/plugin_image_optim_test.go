package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	webps "golang.org/x/image/webp"
)

const optimizing = `
[servers.main]
addr = "<ADDR>"
locations = ["kept", "all"]
enabled_h2 = true

[locations.kept]
path = "/kept"
plugins = ["kept", "images"]
rewrite = "^/kept /"
upstream = "peer"

[locations.all]
plugins = ["images"]
upstream = "peer"

[plugins.kept]
category = "cache"
max_file_size = "4mb"
lock = "60s"

[plugins.images]
category = "image_optim"
output_types = "avif,webp"
avif_speed = 10

[upstreams.peer]
addrs = [%q]
`

// scene is an image of four areas of one color each, with something in them.
func scene(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [4]color.RGBA{{200, 30, 30, 255}, {30, 180, 60, 255}, {40, 60, 200, 255}, {230, 220, 90, 255}}[x*2/w+y*2/h*2]
			c.R += uint8((x*x + y*y*3) / 64 % 20)
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// pictures are the files of an upstream, by name.
func pictures(t *testing.T) map[string][]byte {
	var p, j bytes.Buffer
	if err := png.Encode(&p, scene(320, 200)); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&j, scene(320, 200), &jpeg.Options{Quality: 98}); err != nil {
		t.Fatal(err)
	}
	bomb := bytes.Clone(p.Bytes())
	copy(bomb[16:], "\x00\x01\x00\x00\x00\x01\x00\x00") // 65536 by 65536 pixels
	return map[string][]byte{"a.png": p.Bytes(), "a.jpeg": j.Bytes(), "bomb.png": bomb, "cut.jpeg": j.Bytes()[:j.Len()/2], "text.png": []byte("hello")}
}

// shown decodes an image as what its type says, and returns its size.
func shown(t *testing.T, contentType, content string) (w, h int) {
	t.Helper()
	decode := map[string]func(io.Reader) (image.Image, error){"image/png": png.Decode, "image/jpeg": jpeg.Decode, "image/webp": webps.Decode}[contentType]
	if decode == nil {
		t.Fatalf("the type is %q", contentType)
	}
	img, err := decode(strings.NewReader(content))
	if err != nil {
		t.Fatalf("%d bytes of %s: %v", len(content), contentType, err)
	}
	return img.Bounds().Dx(), img.Bounds().Dy()
}

func TestImagesOfNginxBecomeSmaller(t *testing.T) {
	peer := startNginx(t, "types { image/png png; image/jpeg jpeg; }")
	files := pictures(t)
	for name, content := range files {
		peer.file(t, name, content)
	}
	p := startProxy(t, fmt.Sprintf(optimizing, peer.addr))
	for version, c := range bothVersions(t) {
		for _, name := range []string{"a.png", "a.jpeg"} {
			own := "image/" + name[2:]
			for accept, want := range map[string]string{"*/*": own, "image/webp, */*;q=0.5": "image/webp", "image/webp;q=0, image/*": own} {
				answer, content := answerTo(t, c, p.url("/"+name), "Accept: "+accept)
				if is := answer.Header.Get("Content-Type"); is != want || len(content) >= len(files[name]) {
					t.Errorf("%s, %s for %q: %s, %d bytes of %d", version, name, accept, is, len(content), len(files[name]))
					continue
				}
				if w, h := shown(t, want, content); w != 320 || h != 200 {
					t.Errorf("%s, %s for %q: %d by %d", version, name, accept, w, h)
				}
				if answer.ContentLength != int64(len(content)) || answer.Header.Get("Vary") != "Accept" || !strings.HasPrefix(answer.Header.Get("ETag"), "W/") {
					t.Errorf("%s, %s for %q: length %d, %v", version, name, accept, answer.ContentLength, answer.Header)
				}
			}
		}
		for _, name := range []string{"bomb.png", "cut.jpeg", "text.png"} {
			answer, content := answerTo(t, c, p.url("/"+name), "Accept: image/avif,image/webp")
			if answer.StatusCode != 200 || content != string(files[name]) || strings.HasPrefix(answer.Header.Get("ETag"), "W/") {
				t.Errorf("%s, %s: %d, %d bytes of %d", version, name, answer.StatusCode, len(content), len(files[name]))
			}
		}
	}
	// A tag that the client has got brings it 304, a range the bytes as they are.
	answer, _ := ask(t, newClient(t), p.url("/a.png"), "Accept: image/webp")
	if again, _ := ask(t, newClient(t), p.url("/a.png"), "Accept: image/webp", "If-None-Match: "+answer.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("with the tag: %s", again.Status)
	}
	if part, content := ask(t, newClient(t), p.url("/a.png"), "Accept: image/webp", "Range: bytes=0-9"); part.StatusCode != 206 || content != string(files["a.png"][:10]) || part.Header.Get("Content-Type") != "image/png" {
		t.Errorf("a range: %s %q", part.Status, content)
	}
	head, _ := ask(t, newClient(t), "HEAD "+p.url("/a.png"), "Accept: image/webp")
	if head.StatusCode != 200 || head.ContentLength > 0 || head.Header.Get("Content-Type") != "" || head.Header.Get("Vary") != "Accept" {
		t.Errorf("HEAD: %s, length %d, %v", head.Status, head.ContentLength, head.Header)
	}
}

// TestCacheKeepsAnImageForEachKindOfClient: the upstream is asked once for each.
func TestCacheKeepsAnImageForEachKindOfClient(t *testing.T) {
	files := pictures(t)
	var asked atomic.Int32
	p := startProxy(t, fmt.Sprintf(optimizing, serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Cache-Control", "max-age=600")
		w.Write(files["a.png"])
	})))
	for _, status := range []string{"miss", "hit"} {
		for accept, want := range map[string]string{"*/*": "image/png", "image/webp": "image/webp"} {
			answer, content := ask(t, newClient(t), p.url("/kept/a.png"), "Accept: "+accept)
			if is := answer.Header.Get("Content-Type"); is != want || answer.Header.Get("X-Cache-Status") != status {
				t.Errorf("for %q: %s, %s, want %s", accept, is, answer.Header.Get("X-Cache-Status"), status)
			}
			if w, h := shown(t, want, content); w != 320 || h != 200 {
				t.Errorf("for %q: %d by %d", accept, w, h)
			}
		}
	}
	if asked.Load() != 2 {
		t.Errorf("the upstream was asked %d times", asked.Load())
	}
}

// looked tells of each picture of a page what it is, and the color in the middle of
// each of its areas.
const looked = `Promise.all([...document.images].map(async img => {
	await img.decode();
	const type = (await fetch(img.src, {headers: {Accept: 'image/avif,image/webp'}})).headers.get('content-type');
	const canvas = document.createElement('canvas');
	canvas.width = img.naturalWidth;
	canvas.height = img.naturalHeight;
	const context = canvas.getContext('2d');
	context.drawImage(img, 0, 0);
	const at = (x, y) => [...context.getImageData(x, y, 1, 1).data];
	return {Type: type, Width: img.naturalWidth, Height: img.naturalHeight, Colors: [at(80, 50), at(240, 50), at(80, 150), at(240, 150)]};
}))`

// In Pingap what is called AVIF or WebP holds a PNG. A browser looks here.
func TestTrapBrowserIsShownAVIF(t *testing.T) {
	files := pictures(t)
	p := startProxy(t, fmt.Sprintf(optimizing, serve(t, func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch content, ok := files[name]; {
		case name == "":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<!doctype html><title>page</title><img src='/a.png'><img src='/a.jpeg'>")
		case ok:
			_, kind, _ := strings.Cut(name, ".")
			w.Header().Set("Content-Type", "image/"+kind)
			w.Write(content)
		default:
			http.NotFound(w, r)
		}
	})))
	var images []struct {
		Type          string
		Width, Height int
		Colors        [][]int
	}
	browse(t, chromedp.Navigate(p.url("/")), chromedp.Evaluate(looked, &images, awaited))
	if len(images) != 2 {
		t.Fatalf("%d images", len(images))
	}
	for _, i := range images {
		if i.Type != "image/avif" || i.Width != 320 || i.Height != 200 || len(i.Colors) != 4 {
			t.Errorf("%+v", i)
			continue
		}
		for area, at := range []image.Point{{80, 50}, {240, 50}, {80, 150}, {240, 150}} {
			want := scene(320, 200).RGBAAt(at.X, at.Y)
			for channel, value := range [3]uint8{want.R, want.G, want.B} {
				if d := i.Colors[area][channel] - int(value); d < -24 || d > 24 {
					t.Errorf("%s: area %d is %v, want %v", i.Type, area, i.Colors[area], want)
				}
			}
		}
	}
}
