package imageoptim

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin/plugintest"
)

func TestOrientationIsApplied(t *testing.T) {
	// The pixels of an F, as they stand in the file for each orientation (TIFF 6.0).
	f := []string{"###", "#..", "##.", "#.."}
	stored := map[byte][]string{
		0: f, 1: f,
		2: {"###", "..#", ".##", "..#"},
		3: {"..#", ".##", "..#", "###"},
		4: {"#..", "##.", "#..", "###"},
		5: {"####", "#.#.", "#..."},
		6: {"#...", "#.#.", "####"},
		7: {"...#", ".#.#", "####"},
		8: {"####", ".#.#", "...#"},
	}
	for orientation, rows := range stored {
		for _, empty := range []interface {
			image.Image
			Set(x, y int, c color.Color)
		}{
			image.NewGray(image.Rect(3, 5, 3+len(rows[0]), 5+len(rows))), image.NewNRGBA64(image.Rect(0, 0, len(rows[0]), len(rows))),
			image.NewPaletted(image.Rect(0, 0, len(rows[0]), len(rows)), color.Palette{color.White, color.Black}),
			image.NewNRGBA(image.Rect(0, 0, len(rows[0]), len(rows))),
		} {
			for y, row := range rows {
				for x, c := range row {
					empty.Set(empty.Bounds().Min.X+x, empty.Bounds().Min.Y+y, map[rune]color.Color{'#': color.Black, '.': color.White}[c])
				}
			}
			look, err := lookAt(jpeg, withSegment(jpegOf(t, photo(8, 8)), 0xe1, "Exif\x00\x00"+exif(orientation)))
			if err != nil || look.orientation != int(orientation) {
				t.Fatalf("%d is read as %d, %v", orientation, look.orientation, err)
			}
			got := upright(empty, look.orientation)
			b := got.Bounds()
			for y, row := range f {
				for x, c := range row {
					if lightness, _, _, _ := got.At(b.Min.X+x, b.Min.Y+y).RGBA(); (lightness == 0) != (c == '#') {
						t.Errorf("%d, %T: %d, %d is %d", orientation, empty, x, y, lightness)
					}
				}
			}
		}
	}
	if look, err := lookAt(png, withChunk(pngOf(t, photo(8, 4)), "eXIf", exif(6))); err != nil || look != lookOf(8, 4, 6) {
		t.Errorf("a PNG: %v, %v", look, err)
	}
}

func lookOf(w, h, orientation int) look { return look{w, h, orientation} }

func TestProfilesOfSRGBMayGo(t *testing.T) {
	for name, want := range map[string]bool{"sRGB IEC61966-2.1": true, "sRGB": true, "Display P3": false, "Adobe RGB (1998)": false, "Linear sRGB": false} {
		for _, newer := range []bool{false, true} {
			if got := isSRGB([]byte(profile(name, newer))); got != want {
				t.Errorf("%s, newer %v: %v", name, newer, got)
			}
			_, err := lookAt(jpeg, withSegment(jpegOf(t, photo(8, 8)), 0xe2, "ICC_PROFILE\x00\x01\x01"+profile(name, newer)))
			if want != (err == nil) || err != nil && !errors.Is(err, errUnfit) {
				t.Errorf("%s in a JPEG: %v", name, err)
			}
		}
	}
	for chunk, data := range map[string]string{"gAMA": srgbGamma, "cHRM": srgbChromaticities, "sRGB": "\x00", "pHYs": "123456789"} {
		if _, err := lookAt(png, withChunk(pngOf(t, photo(8, 8)), chunk, data)); err != nil {
			t.Errorf("%s: %v", chunk, err)
		}
	}
}

// TestPaletteIsAsGoodAsTheQualitySays measures what a palette changes.
func TestPaletteIsAsGoodAsTheQualitySays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	img := image.NewNRGBA(image.Rect(0, 0, 200, 100))
	for i := range 200 * 100 { // some hundred colors around four
		base := [4]color.NRGBA{{200, 30, 30, 255}, {20, 200, 60, 255}, {250, 250, 250, 128}, {0, 0, 90, 255}}[random.IntN(4)]
		img.SetNRGBA(i%200, i/200, color.NRGBA{base.R + uint8(random.IntN(6)), base.G + uint8(random.IntN(6)), base.B + uint8(random.IntN(6)), base.A})
	}
	for quality, want := range map[int]bool{100: false, 99: false, 90: true, 50: true, 1: true} {
		reduced := withPalette(img, quality)
		if (reduced != nil) != want {
			t.Errorf("quality %d: a palette: %v", quality, reduced != nil)
			continue
		}
		if reduced != nil && (apart(img, reduced) > float64(100-quality)*errorPerQuality || len(reduced.Palette) > maxColors) {
			t.Errorf("quality %d: %d colors differ by %.2f", quality, len(reduced.Palette), apart(img, reduced))
		}
	}
	exact := withPalette(drawing(100, 80), 100)
	if exact == nil || apart(drawing(100, 80), exact) > 0.01 {
		t.Error("an image of few colors is not the same with a palette")
	}
	for _, other := range []image.Image{image.NewGray(image.Rect(0, 0, 9, 9)), image.NewNRGBA64(image.Rect(0, 0, 9, 9)), exact} {
		if withPalette(other, 1) != nil {
			t.Errorf("%T gets a palette", other)
		}
	}
}

func TestDeepImagesKeepTheirDepth(t *testing.T) {
	img := image.NewNRGBA64(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		img.SetNRGBA64(i%64, i/64, color.NRGBA64{uint16(i), uint16(i * 7), 0, 0xffff})
	}
	out, err := encodePNG(t.Context(), img, 1)
	if err != nil {
		t.Fatal(err)
	}
	if d := apart(img, opened(t, "image/png", out)); d != 0 {
		t.Errorf("differs by %v", d)
	}
}

// TestWorkEndsWithItsTime: for each way to spend it.
func TestWorkEndsWithItsTime(t *testing.T) {
	o := made(t, both)
	large := photo(1200, 800)
	for name, j := range map[string]job{
		"PNG":      {own: png, target: png, content: pngOf(t, large)},
		"JPEG":     {own: jpeg, target: jpeg, content: jpegOf(t, large)},
		"encoding": {own: png, target: png},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		began := time.Now()
		var err error
		if j.content != nil {
			_, err = o.attempt(ctx, j)
		} else {
			_, err = o.encode(ctx, j, large)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: ends with %v after %v", name, err, time.Since(began))
		}
		cancel()
	}
}

// TestOneWorksForAllWhoWait: a popular image would otherwise be worked on once for
// each who asks for it.
func TestOneWorksForAllWhoWait(t *testing.T) {
	content := pngOf(t, drawing(300, 200))
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		o.slots = make(chan struct{}, 1)
		o.slots <- struct{}{} // somebody works
		const many = 20
		var results [many][]byte
		left := many
		for i := range many {
			l.Go(loop.TaskFunc(func() {
				x := &message.Exchange{Loop: l}
				x.Reset()
				results[i] = o.smaller(x, job{own: png, target: png, content: content})
				left--
			}))
		}
		l.Go(loop.TaskFunc(func() { <-o.slots }))
		for left > 0 {
			l.Yield()
		}
		for _, r := range results {
			if len(r) == 0 || &r[0] != &results[0][0] {
				t.Error("there are several results")
			}
		}
	})
}

// TestClientWaitsOnlySoLong: the work goes on for those who come later.
func TestClientWaitsOnlySoLong(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		o.slots = make(chan struct{}, 1)
		o.slots <- struct{}{} // somebody works
		j := job{own: png, target: png, content: pngOf(t, drawing(300, 200))}
		x := &message.Exchange{Loop: l}
		x.Reset()
		o.patience = time.Millisecond
		if o.smaller(x, j) != nil {
			t.Error("there is a result before there was a turn")
		}
		<-o.slots
		for o.results.Get(j.key()) == nil {
			l.Yield()
		}
		if o.smaller(x, j) == nil || o.pending.Load() != 0 {
			t.Error("the result is lost")
		}
	})
}

func TestWhatIsNotSmallerIsRememberedToo(t *testing.T) {
	small, err := encodePNG(t.Context(), photo(64, 64), 90)
	if err != nil {
		t.Fatal(err)
	}
	looptest.Run(t, func(l *loop.Loop) {
		o := made(t, both)
		j := job{own: png, target: png, content: small}
		x := &message.Exchange{Loop: l}
		x.Reset()
		if o.smaller(x, j) != nil {
			t.Fatal("the image became smaller")
		}
		if e := o.results.Get(j.key()); e == nil || e.Body != nil {
			t.Errorf("remembered is %v", e)
		}
	})
}

func TestEncodersThatCannotRunLeaveTheImage(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, packed := range [][]byte{nil, []byte("no gzip"), avifProgram[:1000]} {
			o := made(t, both)
			o.codecs = &codecs{webp: program{packed: packed}}
			content := pngOf(t, drawing(64, 64))
			for range 2 {
				r, got := served(t, l, o, imageOf("png", content).askedFor("image/webp"))
				if r.Header.Get("Content-Type") != "image/png" || !bytes.Equal(got, content) {
					t.Errorf("%d bytes, %v", len(got), r.Header.Fields())
				}
			}
		}
	})
}

func TestPanicLeavesTheImage(t *testing.T) {
	o := &optimizer{}
	if _, err := o.attempt(t.Context(), job{own: png, target: webp, content: pngOf(t, drawing(9, 9))}); err == nil {
		t.Error("no error")
	}
}

// TestEncodersWorkAtTheSameTime: several images may share a program.
func TestEncodersWorkAtTheSameTime(t *testing.T) {
	o := made(t, both)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			img := photo(40+i, 30)
			out, err := o.codecs.encodeAVIF(img, 75, 10)
			if w, h := avifSize(out); err != nil || w != 40+i || h != 30 {
				t.Errorf("%d by %d, %v", w, h, err)
			}
			out, err = o.codecs.encodeWebP(img, true, 0)
			if err != nil || apart(img, opened(t, "image/webp", out)) > 0 {
				t.Errorf("%d bytes of WebP, %v", len(out), err)
			}
		})
	}
	wait.Wait()
}

func TestTheLargestImageFits(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 3840, 2160), image.YCbCrSubsampleRatio444)
	o := made(t, both)
	out, err := o.codecs.encodeAVIF(img, 50, 10)
	if w, h := avifSize(out); err != nil || w != 3840 || h != 2160 {
		t.Errorf("AVIF: %d by %d, %v", w, h, err)
	}
	out, err = o.codecs.encodeWebP(img, true, 50)
	if err != nil || opened(t, "image/webp", out).Bounds().Dx() != 3840 {
		t.Errorf("WebP: %v", err)
	}
	if _, err := o.codecs.encodeWebP(image.NewGray(image.Rect(0, 0, 16384, 1)), true, 50); !errors.Is(err, errUnfit) {
		t.Errorf("too wide: %v", err)
	}
}

func FuzzLook(f *testing.F) {
	f.Add(pngOf(f, photo(8, 8)))
	f.Add(jpegOf(f, photo(8, 8)))
	f.Add(withChunk(pngOf(f, drawing(8, 8)), "eXIf", exif(6)))
	f.Add(withSegment(jpegOf(f, photo(8, 8)), 0xe1, "Exif\x00\x00"+exif(3)))
	f.Add(withSegment(jpegOf(f, photo(8, 8)), 0xe2, "ICC_PROFILE\x00\x01\x01"+profile("sRGB", true)))
	f.Add(withChunk(pngOf(f, drawing(8, 8)), "iCCP", "x\x00\x00\x78\x9c\x03\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, own := range []format{png, jpeg} {
			l, err := lookAt(own, content)
			if err == nil && (l.width <= 0 || l.height <= 0 || l.orientation < 0 || l.orientation > 8) {
				t.Errorf("%d: %+v", own, l)
			}
			if err != nil && !errors.Is(err, errUnfit) {
				t.Error(err)
			}
		}
		isSRGB(content)
		orientationOf(content)
	})
}

// FuzzImage has whole images made smaller, which must not fail in any way but one.
func FuzzImage(f *testing.F) {
	f.Add(pngOf(f, drawing(16, 16)), byte(90))
	f.Add(jpegOf(f, photo(16, 16)), byte(50))
	f.Add(withSegment(jpegOf(f, photo(8, 5)), 0xe1, "Exif\x00\x00"+exif(8)), byte(1))
	o := made(f, "")
	f.Fuzz(func(t *testing.T, content []byte, quality byte) {
		o := &optimizer{settings: o.settings}
		o.PngQuality, o.JpegQuality = 1+int(quality)%100, 1+int(quality)%100
		for _, own := range []format{png, jpeg} {
			l, err := lookAt(own, content)
			if err != nil || l.width*l.height > 1<<16 {
				continue
			}
			out, err := o.make(t.Context(), job{own: own, target: own, content: content})
			switch {
			case errors.Is(err, errUnfit):
			case err != nil:
				t.Error(err)
			default:
				if l.orientation >= 5 {
					l.width, l.height = l.height, l.width
				}
				if w, h := size(t, own.mediaType(), out); w != l.width || h != l.height {
					t.Errorf("%d by %d became %d by %d", l.width, l.height, w, h)
				}
			}
		}
	})
}

func FuzzAccept(f *testing.F) {
	f.Add("image/avif,image/webp;q=0.8,*/*;q=0.1")
	f.Add("image/webp;q=;;,,/*")
	o := plugintest.Make(f, build, both).(*optimizer)
	f.Fuzz(func(t *testing.T, accept string) {
		var h message.Header
		h.Add("Accept", accept)
		if got := o.choose(&h, png); got != png && !bytes.Contains(bytes.ToLower([]byte(accept)), []byte(got.mediaType())) {
			t.Errorf("%q is for %s", accept, got.mediaType())
		}
	})
}

func BenchmarkMegapixel(b *testing.B) {
	o := made(b, both)
	img := photo(1200, 833)
	photos, pngs := jpegOf(b, img), pngOf(b, drawing(1200, 833))
	for name, j := range map[string]job{
		"jpeg to jpeg": {own: jpeg, target: jpeg, content: photos}, "jpeg to webp": {own: jpeg, target: webp, content: photos}, "jpeg to avif": {own: jpeg, target: avif, content: photos},
		"photo png to png": {own: png, target: png, content: pngOf(b, img)}, "photo png to webp": {own: png, target: webp, content: pngOf(b, img)}, "photo png to avif": {own: png, target: avif, content: pngOf(b, img)},
		"drawing png to png": {own: png, target: png, content: pngs}, "drawing png to webp": {own: png, target: webp, content: pngs}, "drawing png to avif": {own: png, target: avif, content: pngs},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				out, err := o.make(b.Context(), j)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(out)), "after")
				b.ReportMetric(float64(len(j.content)), "before")
			}
		})
	}
}
