package datasets

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tiny is a published set of three training and two test samples, and its packed files by name.
func tiny(t *testing.T) (entry, map[string][]byte) {
	t.Helper()
	e := entry{name: "tiny", Form: Form{Shape: Shape{side, side, 1}, Classes: classes, Train: 3, Test: 2}, format: idx{}}
	e.files = idxFiles(e.Form, [4]file{})
	contents := map[string][]byte{}
	for i := range e.files {
		f := &e.files[i]
		data := f.dims[0]
		if len(f.dims) == 3 {
			data *= dim
		}
		unpacked := idxBytes(uint32(0x0800+len(f.dims)), f.dims, data)
		packed := pack(t, unpacked)
		f.bytes, f.sha256, f.unpackedSHA256 = int64(len(packed)), sumHex(packed), sumHex(unpacked)
		contents[f.name] = packed
	}
	return e, contents
}

// store writes files into dir/tiny.
func store(t *testing.T, dir string, contents map[string][]byte) {
	t.Helper()
	folder := filepath.Join(dir, "tiny")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range contents {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenReadsTheFirstCompleteFolder(t *testing.T) {
	e, contents := tiny(t)
	empty, partial, full := t.TempDir(), t.TempDir(), t.TempDir()
	store(t, full, contents)
	labels := e.files[3].name
	store(t, partial, map[string][]byte{labels: contents[labels]})
	// Some archives unpack into a folder named like the file in it.
	if err := os.Mkdir(filepath.Join(partial, "tiny", e.files[0].name), 0o700); err != nil {
		t.Fatal(err)
	}

	source, err := e.open([]string{empty, partial, full})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(full, "tiny"); source.folder != want {
		t.Errorf("opened %s, want %s", source.folder, want)
	}
	set, err := source.Read(Train, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 2 || set.Dim != 784 || set.Classes != 10 || len(set.X) != 2*784 {
		t.Errorf("%d samples of %d classes, %d of %d pixels", set.Len(), set.Classes, len(set.X), set.Dim)
	}
	first := float32(byte(784%256)) / 255
	if set.X[0] != first || !slices.Equal(set.Labels, []uint8{1, 2}) {
		t.Errorf("first pixel %v, labels %v; want %v, [1 2]", set.X[0], set.Labels, first)
	}

	_, err = e.open([]string{empty, partial})
	var missing *MissingError
	if !errors.As(err, &missing) {
		t.Fatalf("error %v, want a MissingError", err)
	}
	want := MissingError{
		Name:    "tiny",
		Folders: []string{filepath.Join(empty, "tiny"), filepath.Join(partial, "tiny")},
		Lacks:   filepath.Join(partial, "tiny", e.files[0].name),
	}
	if missing.Name != want.Name || missing.Lacks != want.Lacks || !slices.Equal(missing.Folders, want.Folders) {
		t.Errorf("missing %+v, want %+v", *missing, want)
	}
}

func TestOpenTakesUnpackedFiles(t *testing.T) {
	e, contents := tiny(t)
	dir := t.TempDir()
	name := e.files[1].name
	unpacked := idxBytes(0x0801, []int{3}, 3)
	delete(contents, name)
	contents[strings.TrimSuffix(name, ".gz")] = unpacked
	store(t, dir, contents)

	source, err := e.open([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	set, err := source.Read(Train, 0, 3)
	if err != nil || !slices.Equal(set.Labels, []uint8{0, 1, 2}) {
		t.Fatalf("labels %v (%v), want [0 1 2]", set, err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	open := func(name string, dirs ...string) error {
		_, err := Open(name, dirs)
		return err
	}
	source, err := Open("digits", nil)
	if err != nil {
		t.Fatal(err)
	}
	read := func(split Split, from, to int) error {
		_, err := source.Read(split, from, to)
		return err
	}
	cases := []struct {
		name string
		err  error
		want []string
	}{
		{"unknown set", open("minst", dir), []string{`"minst"`, "digits, shapes, mnist, fashion-mnist, cifar-10"}},
		{"missing", open("mnist", dir), []string{filepath.Join(dir, "mnist"), "--data DIR", "HEPEX_DATA", "hepex data fetch mnist"}},
		{"nowhere to look", open("mnist"), []string{"no folder to look in"}},
		{"before the first sample", read(Train, -1, 2), []string{"digits", "train samples [-1,2)", "60000"}},
		{"after the last sample", read(Test, 0, 10001), []string{"test samples [0,10001)", "10000"}},
		{"backwards", read(Test, 5, 4), []string{"[5,4)"}},
		{"unknown split", read(2, 0, 1), []string{"Split(2)"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(c.err.Error(), want) {
					t.Errorf("error %q does not say %q", c.err, want)
				}
			}
		})
	}
}

func TestShapesNeedNoFiles(t *testing.T) {
	source, err := Open("shapes", nil)
	if err != nil {
		t.Fatal(err)
	}
	if source.entry.size(Train) != 60000 || source.entry.size(Test) != 10000 || source.Shape() != (Shape{32, 32, 3}) || source.Shape().String() != "32×32×3" {
		t.Errorf("sizes %d and %d, shape %v", source.entry.size(Train), source.entry.size(Test), source.Shape())
	}
	set, err := source.Read(Train, 59990, 60000)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 10 || set.Dim != 3072 || len(set.X) != 10*set.Dim || slices.Min(set.X) < 0 || slices.Max(set.X) > 1 {
		t.Errorf("%d samples, %d values in [%v,%v]", set.Len(), len(set.X), slices.Min(set.X), slices.Max(set.X))
	}
}

func TestDigitsNeedNoFiles(t *testing.T) {
	source, err := Open("digits", nil)
	if err != nil {
		t.Fatal(err)
	}
	if source.entry.size(Train) != 60000 || source.entry.size(Test) != 10000 {
		t.Errorf("sizes %d and %d", source.entry.size(Train), source.entry.size(Test))
	}
	set, err := source.Read(Test, 9990, 10000)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 10 || len(set.X) != 10*set.Dim || slices.Min(set.X) != 0 || slices.Max(set.X) > 1 || slices.Max(set.X) < .7 {
		t.Errorf("%d samples, %d values in [%v,%v]", set.Len(), len(set.X), slices.Min(set.X), slices.Max(set.X))
	}
}

func TestDirs(t *testing.T) {
	t.Setenv("HEPEX_DATA", "/env")
	t.Setenv("XDG_CACHE_HOME", "/cache")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("no cache folder:", err)
	}
	cache = filepath.Join(cache, "hepex", "data")
	if got, want := Dirs("/flag"), []string{"/flag", "/env", "data", cache}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	t.Setenv("HEPEX_DATA", "")
	if got, want := Dirs(""), []string{"data", cache}; !slices.Equal(got, want) {
		t.Errorf("without flag and variable: %v, want %v", got, want)
	}
}

// The checksums go into the hashes of results.
func TestChecksumsArePinned(t *testing.T) {
	want := map[string]string{
		"digits":        digitsChecksum,
		"shapes":        shapesChecksum,
		"mnist":         "af09e3459d270ed5823840cd77e40143db7b9972759fcbbff31acf4e8e7e2e23",
		"fashion-mnist": "45989d5fa2a25229cd8307b37c2cc7e86784af7fab725122c693c7cd762c33cf",
		"cifar-10":      "cf51a2fc68ff4961b2045cea5d3daa705924be0ce8e78f21e658bd84556d9721",
	}
	for _, e := range catalogue() {
		if got := (&Published{entry: e}).Checksum(); got != want[e.name] {
			t.Errorf("%s: %s, want %s", e.name, got, want[e.name])
		}
	}
}

func TestPublishedSets(t *testing.T) {
	dir := os.Getenv("HEPEX_DATA")
	if dir == "" {
		t.Skip("set HEPEX_DATA to the folder that holds mnist/ and fashion-mnist/")
	}
	cases := []struct {
		name   string
		mean   float64 // of the test pixels
		labels []uint8 // first of the training labels
	}{
		{"mnist", .1325, []uint8{5, 0, 4, 1, 9}},
		{"fashion-mnist", .2868, []uint8{9, 0, 0, 3, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source, err := Open(c.name, []string{dir})
			if missing := (*MissingError)(nil); errors.As(err, &missing) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			for _, check := range source.verify() {
				if check.Err != nil {
					t.Error(check.Err)
				}
			}
			set, err := source.Read(Test, 0, 10000)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, x := range set.X {
				sum += float64(x)
			}
			if mean := sum / float64(len(set.X)); mean < c.mean-1e-4 || mean > c.mean+1e-4 {
				t.Errorf("mean %.5f, want %.4f", mean, c.mean)
			}
			if testing.Short() {
				return
			}
			set, err = source.Read(Train, 0, 5)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(set.Labels, c.labels) {
				t.Errorf("training labels begin %v, want %v", set.Labels, c.labels)
			}
		})
	}
}
