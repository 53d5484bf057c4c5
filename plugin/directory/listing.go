package directory

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// maxListed bounds a listing, and the memory that it takes.
const maxListed = 10_000

// list makes the page of a directory: names, sizes, times. Names are those of
// whoever may put files there: they are escaped. Those that begin with a dot are
// left out.
func list(f *os.File, t target) ([]byte, error) {
	entries, err := f.ReadDir(maxListed + 1)
	if err != nil && len(entries) == 0 && err != io.EOF {
		return nil, err
	}
	more := len(entries) > maxListed
	entries = entries[:min(len(entries), maxListed)]
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		if a.IsDir() != b.IsDir() {
			if a.IsDir() {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name(), b.Name())
	})
	title := html.EscapeString("/" + strings.TrimPrefix(t.name+"/", "./"))
	var page strings.Builder
	fmt.Fprintf(&page, "<!doctype html>\n<meta charset=\"utf-8\">\n<title>%s</title>\n<h1>%s</h1>\n<table>\n<tr><th>Name<th>Size<th>Last modified\n", title, title)
	if t.name != "." {
		page.WriteString("<tr><td><a href=\"../\">../</a><td><td>\n")
	}
	for _, entry := range entries {
		row(&page, entry)
	}
	page.WriteString("</table>\n")
	if more {
		fmt.Fprintf(&page, "<p>There are more than the %d that are listed.\n", maxListed)
	}
	return []byte(page.String()), nil
}

func row(page *strings.Builder, entry fs.DirEntry) {
	name := entry.Name()
	if strings.HasPrefix(name, ".") {
		return
	}
	info, err := entry.Info()
	if err != nil {
		return // it has just been removed
	}
	size := fmt.Sprint(info.Size())
	if entry.IsDir() {
		name, size = name+"/", ""
	}
	// "./" keeps a name with a colon from being a scheme.
	href := "./" + strings.ReplaceAll(url.PathEscape(strings.TrimSuffix(name, "/")), "'", "%27")
	if entry.IsDir() {
		href += "/"
	}
	fmt.Fprintf(page, "<tr><td><a href=\"%s\">%s</a><td>%s<td>%s\n", html.EscapeString(href), html.EscapeString(name), size, info.ModTime().UTC().Format(time.DateTime))
}
