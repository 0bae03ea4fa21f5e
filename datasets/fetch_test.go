package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wires are a network of pipes, by address: no packets are under way in it, so that synctest can tell when nothing happens.
type wires map[string]pipes

// pipes are the connections to a server, which it accepts.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, open := <-p; open {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// client reaches the servers of a network.
func (w wires) client(t *testing.T) *http.Client {
	transport := &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		w[address] <- theirs
		return ours, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// mirror serves files and keeps, per file, the Range headers it was asked with.
type mirror struct {
	url    string
	mu     sync.Mutex
	ranges map[string][]string
}

// serve lets handle answer with the content of the file asked for.
func (w wires) serve(t *testing.T, contents map[string][]byte, handle func(http.ResponseWriter, *http.Request, []byte)) *mirror {
	address, incoming := fmt.Sprintf("mirror-%d:80", len(w)), make(pipes)
	w[address] = incoming
	m := &mirror{url: "http://" + address + "/", ranges: map[string][]string{}}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		m.mu.Lock()
		m.ranges[name] = append(m.ranges[name], r.Header.Get("Range"))
		m.mu.Unlock()
		handle(w, r, contents[name])
	})}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(incoming) })
	t.Cleanup(func() {
		_ = server.Close()
		served.Wait()
	})
	return m
}

func (m *mirror) requests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, r := range m.ranges {
		n += len(r)
	}
	return n
}

func ranged(w http.ResponseWriter, r *http.Request, data []byte) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func rangeless(w http.ResponseWriter, _ *http.Request, data []byte) { w.Write(data) }

func down(w http.ResponseWriter, _ *http.Request, _ []byte) {
	http.Error(w, "down", http.StatusServiceUnavailable)
}

// breaking sends half of the file and drops the connection.
func breaking(w http.ResponseWriter, _ *http.Request, data []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	w.Write(data[:len(data)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// stalling sends half of the training images and then nothing.
func stalling(w http.ResponseWriter, r *http.Request, data []byte) {
	if !strings.Contains(r.URL.Path, "train-images") {
		ranged(w, r, data)
		return
	}
	w.Write(data[:len(data)/2])
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func altered(w http.ResponseWriter, r *http.Request, data []byte) {
	data = bytes.Clone(data)
	data[len(data)-1] ^= 1
	ranged(w, r, data)
}

func longer(w http.ResponseWriter, _ *http.Request, data []byte) {
	w.Write(append(bytes.Clone(data), make([]byte, 1<<20)...))
}

func misplaced(w http.ResponseWriter, r *http.Request, data []byte) {
	w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(data)-1, len(data)))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(data)
}

// declared calls the packing an encoding of the transfer.
func declared(w http.ResponseWriter, _ *http.Request, data []byte) {
	w.Header().Set("Content-Encoding", "gzip")
	w.Write(data)
}

func TestFetch(t *testing.T) {
	type handler = func(http.ResponseWriter, *http.Request, []byte)
	half := func(data []byte) []byte { return data[:len(data)/2] }
	cases := []struct {
		name    string
		part    func([]byte) []byte // of the first file, left by an earlier run
		mirrors []handler
		want    string // in the error; "" for success
		ranges  string // of the requests to the last mirror for the first file
		left    bool   // a part of the first file is kept
	}{
		{name: "whole", mirrors: []handler{ranged}},
		{name: "resumed", part: half, mirrors: []handler{ranged}, ranges: "bytes=half-"},
		{name: "server ignores ranges", part: half, mirrors: []handler{rangeless}, ranges: "bytes=half-"},
		{name: "server declares an encoding", mirrors: []handler{declared}},
		{name: "part is complete", part: bytes.Clone, mirrors: []handler{ranged}, ranges: "none"},
		{name: "part is wrong", part: func(b []byte) []byte { return make([]byte, len(b)/2) }, mirrors: []handler{ranged, ranged}},
		{name: "part is too long", part: func(b []byte) []byte { return make([]byte, len(b)+1) }, mirrors: []handler{down, ranged}},
		{name: "first mirror down", mirrors: []handler{down, ranged}},
		{name: "first mirror breaks", mirrors: []handler{breaking, ranged}, ranges: "bytes=half-"},
		{name: "first mirror stalls", mirrors: []handler{stalling, ranged}, ranges: "bytes=half-"},
		{name: "first mirror has another file", mirrors: []handler{altered, ranged}},
		{name: "first mirror has a longer file", mirrors: []handler{longer, ranged}},
		{name: "first mirror misplaces", part: half, mirrors: []handler{misplaced, ranged}, ranges: "bytes=half-"},
		{name: "all down", mirrors: []handler{down, down}, want: "503 Service Unavailable; http"},
		{name: "broken", mirrors: []handler{breaking}, want: "unexpected EOF", left: true},
		{name: "stalled", mirrors: []handler{stalling}, want: "stopped sending", left: true},
		{name: "wrong content", mirrors: []handler{altered}, want: "not the published file; the download is deleted"},
		{name: "too long", mirrors: []handler{longer}, want: "the download is deleted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				web := wires{}
				e, contents := tiny(t)
				first := e.files[0]
				folder := filepath.Join(t.TempDir(), "tiny")
				part := filepath.Join(folder, first.name+".part")
				if c.part != nil {
					store(t, filepath.Dir(folder), map[string][]byte{first.name + ".part": c.part(contents[first.name])})
				}
				var last *mirror
				for _, handle := range c.mirrors {
					last = web.serve(t, contents, handle)
					e.mirrors = append(e.mirrors, last.url)
				}
				f := fetcher{client: web.client(t), patience: time.Minute}
				err := f.fetch(t.Context(), e, folder)

				if c.want != "" {
					if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
						t.Errorf("error %v, want one line with %q", err, c.want)
					}
				} else if err != nil {
					t.Fatal(err)
				} else {
					wantFiles(t, folder, contents)
				}
				if _, err := os.Stat(part); (err == nil) != c.left {
					t.Errorf("a part is left: %v, want %v", err == nil, c.left)
				}
				switch got := strings.Join(last.ranges[first.name], " "); {
				case c.ranges == "none" && len(last.ranges[first.name]) > 0:
					t.Errorf("asked for %q, want no request", got)
				case strings.Contains(c.ranges, "half"):
					if want := strings.ReplaceAll(c.ranges, "half", fmt.Sprint(first.bytes/2)); got != want {
						t.Errorf("asked for %q, want %q", got, want)
					}
				}
			})
		})
	}
}

// wantFiles checks that folder holds exactly these files.
func wantFiles(t *testing.T, folder string, want map[string][]byte) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	for _, f := range files {
		if got[f.Name()], err = os.ReadFile(filepath.Join(folder, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("folder holds %v, which are not the files served", files)
	}
}

func TestFetchLeavesRightFilesAlone(t *testing.T) {
	e, contents := tiny(t)
	web := wires{}
	server := web.serve(t, contents, ranged)
	e.mirrors = []string{server.url}
	dir := t.TempDir()
	folder := filepath.Join(dir, "tiny")
	wrong, unpacked := e.files[0].name, e.files[1]
	store(t, dir, map[string][]byte{
		wrong:               []byte("not it"),
		unpacked.names()[1]: idxBytes(0x0801, []int{3}, 3),
		e.files[2].name:     contents[e.files[2].name],
	})
	f := fetcher{client: web.client(t), patience: time.Minute}
	if err := f.fetch(t.Context(), e, folder); err != nil {
		t.Fatal(err)
	}
	if got := server.requests(); got != 2 {
		t.Errorf("%d requests, want 2: for the wrong file and the missing one", got)
	}
	if got, err := os.ReadFile(filepath.Join(folder, wrong)); err != nil || !bytes.Equal(got, contents[wrong]) {
		t.Errorf("the wrong file is still there (%v)", err)
	}

	var reports []string
	f.progress = func(file string, done, total int64) {
		if done != total {
			t.Errorf("%s: %d of %d bytes, want it complete", file, done, total)
		}
		reports = append(reports, file)
	}
	if err := f.fetch(t.Context(), e, folder); err != nil {
		t.Fatal(err)
	}
	if got := server.requests(); got != 2 || len(reports) != 4 {
		t.Errorf("a second fetch made %d requests and %d reports, want 0 and 4", got-2, len(reports))
	}
}

func TestFetchReportsProgress(t *testing.T) {
	e, contents := tiny(t)
	web := wires{}
	server := web.serve(t, contents, ranged)
	e.mirrors = []string{server.url}
	done := map[string]int64{}
	f := fetcher{client: web.client(t), patience: time.Minute, progress: func(file string, n, total int64) {
		if n < done[file] || n > total || total != int64(len(contents[file])) {
			t.Errorf("%s: %d of %d bytes after %d", file, n, total, done[file])
		}
		done[file] = n
	}}
	if err := f.fetch(t.Context(), e, filepath.Join(t.TempDir(), "tiny")); err != nil {
		t.Fatal(err)
	}
	for _, file := range e.files {
		if done[file.name] != file.bytes {
			t.Errorf("%s: last report %d of %d bytes", file.name, done[file.name], file.bytes)
		}
	}
}

func TestFetchCancelled(t *testing.T) {
	e, contents := tiny(t)
	web := wires{}
	first := web.serve(t, contents, stalling)
	second := web.serve(t, contents, ranged)
	e.mirrors = []string{first.url, second.url}
	folder := filepath.Join(t.TempDir(), "tiny")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := fetcher{client: web.client(t), patience: time.Minute, progress: func(_ string, done, _ int64) {
		if done > 0 {
			cancel()
		}
	}}
	if err := f.fetch(ctx, e, folder); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if got := second.requests(); got != 0 {
		t.Errorf("%d requests to the next mirror, want 0", got)
	}
	part, err := os.ReadFile(filepath.Join(folder, e.files[0].name+".part"))
	if err != nil || len(part) == 0 {
		t.Errorf("the part has %d bytes (%v), want what had arrived", len(part), err)
	}
}

func TestFetchByName(t *testing.T) {
	if err := Fetch(t.Context(), "digits", t.TempDir(), nil); err != nil {
		t.Errorf("digits: %v, want nothing to do", err)
	}
	if err := Fetch(t.Context(), "nonesuch", t.TempDir(), nil); err == nil {
		t.Error("an unknown set: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Fetch(ctx, "mnist", t.TempDir(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
