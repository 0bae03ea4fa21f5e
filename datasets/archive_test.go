package datasets

import (
	"archive/tar"
	"bytes"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// member is a part of an archive.
type member struct {
	name string
	kind byte
	data []byte
}

// archived packs members, files by default.
func archived(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Typeflag: m.kind, Size: int64(len(m.data))}
		if m.kind == 0 {
			h.Typeflag = tar.TypeReg
		} else {
			h.Size, h.Linkname = 0, "/etc/passwd"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if m.kind == 0 {
			if _, err := w.Write(m.data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return pack(t, out.Bytes())
}

// published is the archive of a set as the official one is made.
func published(t testing.TB, contents map[string][]byte) []byte {
	members := []member{{"tiny-bin/", tar.TypeDir, nil}, {"tiny-bin/readme.html", 0, []byte("<html>")}}
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		members = append(members, member{"tiny-bin/" + name, 0, contents[name]})
	}
	return archived(t, members...)
}

func TestFetchArchive(t *testing.T) {
	type handler = func(http.ResponseWriter, *http.Request, []byte)
	half := func(data []byte) []byte { return data[:len(data)/2] }
	cases := []struct {
		name     string
		part     func([]byte) []byte // of the archive, left by an earlier run
		there    map[string]string   // files in the folder: "right", or what they hold
		mirrors  []handler
		want     string // in the error; "" for success
		requests int    // to the last mirror
	}{
		{name: "whole", mirrors: []handler{ranged}, requests: 1},
		{name: "resumed", part: half, mirrors: []handler{ranged}, requests: 1},
		{name: "part is complete", part: bytes.Clone, mirrors: []handler{ranged}},
		{name: "first mirror down", mirrors: []handler{down, ranged}, requests: 1},
		{name: "first mirror breaks", mirrors: []handler{breaking, ranged}, requests: 1},
		{name: "first mirror has another file", mirrors: []handler{altered, ranged}, requests: 1},
		{name: "all there", there: map[string]string{"data_batch_1.bin": "right", "data_batch_2.bin": "right", "test_batch.bin": "right"}, mirrors: []handler{ranged}},
		{name: "one wrong", there: map[string]string{"data_batch_1.bin": "wrong", "data_batch_2.bin": "right", "test_batch.bin": "right"}, mirrors: []handler{ranged}, requests: 1},
		{name: "one missing", there: map[string]string{"data_batch_1.bin": "right", "test_batch.bin": "right"}, mirrors: []handler{ranged}, requests: 1},
		{name: "all down", mirrors: []handler{down}, want: "503 Service Unavailable", requests: 1},
		{name: "wrong content", mirrors: []handler{altered}, want: "not the published file; the download is deleted", requests: 1},
		{name: "too long", mirrors: []handler{longer}, want: "the download is deleted", requests: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				web := wires{}
				e, contents := tinyRecords()
				data := published(t, contents)
				e.archive = &file{name: "tiny.tar.gz", bytes: int64(len(data)), sha256: sumHex(data)}
				folder := filepath.Join(t.TempDir(), "tiny")
				left := map[string][]byte{}
				if c.part != nil {
					left["tiny.tar.gz.part"] = c.part(data)
				}
				for name, content := range c.there {
					if left[name] = []byte(content); content == "right" {
						left[name] = contents[name]
					}
				}
				store(t, filepath.Dir(folder), left)
				var last *mirror
				for _, handle := range c.mirrors {
					last = web.serve(t, map[string][]byte{"tiny.tar.gz": data}, handle)
					e.mirrors = append(e.mirrors, last.url)
				}
				done := int64(0)
				f := fetcher{client: web.client(t), patience: time.Minute, progress: func(_ string, n, _ int64) { done = n }}
				err := f.fetch(t.Context(), e, folder)
				if got := last.requests(); got != c.requests {
					t.Errorf("%d requests to the last mirror: want %d", got, c.requests)
				}
				if c.want != "" {
					if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
						t.Errorf("error %v, want one line with %q", err, c.want)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.part == nil && done != e.archive.bytes {
					t.Errorf("last report %d of %d bytes", done, e.archive.bytes)
				}
				wantFiles(t, folder, contents)
				s, err := e.open([]string{filepath.Dir(folder)})
				if err != nil || !good(s.verify()) {
					t.Errorf("what was fetched is not right: %v", err)
				}
			})
		})
	}
}

// Such archives cannot have the pinned checksum; unpacking them must be safe nonetheless.
func TestUnpackHostileArchives(t *testing.T) {
	e, contents := tinyRecords()
	one, two, test := contents["data_batch_1.bin"], contents["data_batch_2.bin"], contents["test_batch.bin"]
	right := []member{{"data_batch_1.bin", 0, one}, {"data_batch_2.bin", 0, two}, {"test_batch.bin", 0, test}}
	whole := archived(t, right...)
	cases := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "damaged or cut short"},
		{"no archive", pack(t, bytes.Repeat([]byte("x"), 5000)), "damaged or cut short"},
		{"cut", whole[:len(whole)/2], "damaged or cut short"},
		{"nothing in it", archived(t), "lacks data_batch_1.bin, data_batch_2.bin, test_batch.bin"},
		{"one missing", archived(t, right[0], right[2]), "lacks data_batch_2.bin"},
		{"link", archived(t, right[0], right[1], member{"test_batch.bin", tar.TypeSymlink, nil}), "lacks test_batch.bin"},
		{"folder", archived(t, right[0], right[1], member{"test_batch.bin", tar.TypeDir, nil}), "lacks test_batch.bin"},
		{"shorter", archived(t, right[0], right[1], member{"test_batch.bin", 0, test[1:]}), "test_batch.bin of 56 bytes: want 57"},
		{"longer", archived(t, right[0], right[1], member{"test_batch.bin", 0, append(bytes.Clone(test), 0)}), "of 58 bytes: want 57"},
		{"bomb", archived(t, member{"bomb", 0, make([]byte, 4<<20)}, right[0], right[1], right[2]), "damaged or cut short"},
		{"twice", archived(t, right[0], right[0], right[1]), "lacks test_batch.bin"},
		{"outside", archived(t, right[0], right[1], member{"../../x/test_batch.bin", 0, test}), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			folder, archive := filepath.Join(dir, "tiny"), filepath.Join(dir, "a.tar.gz")
			if err := os.WriteFile(archive, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			err := e.unpack(archive, folder)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				wantFiles(t, folder, contents)
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 2 {
				t.Errorf("beside the folder lie %v (%v)", entries, err)
			}
			files, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if content, err := os.ReadFile(filepath.Join(folder, f.Name())); err != nil || !bytes.Equal(content, contents[f.Name()]) {
					t.Errorf("%s is left, incomplete or unasked for (%v)", f.Name(), err)
				}
			}
		})
	}
}
