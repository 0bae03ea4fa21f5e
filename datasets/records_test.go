package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// record is one image of the binary version of CIFAR-10, in planes.
func record(rng *rand.Rand, shape Shape, label uint8) []byte {
	r := []byte{label}
	for range shape.Size() {
		r = append(r, byte(rng.IntN(256)))
	}
	return r
}

// tinyRecords is a set of four training samples in two files and three test samples, and its files by name.
func tinyRecords() (entry, map[string][]byte) {
	rng := rand.New(rand.NewPCG(1, 1))
	e := entry{name: "tiny", Form: Form{Shape: Shape{3, 2, 3}, Classes: 4, Train: 4, Test: 3}}
	e.files = recordFiles(e.Form, 2)
	contents := map[string][]byte{}
	all := map[Split][][]byte{}
	for _, f := range e.files {
		for range int(f.bytes) / 19 {
			r := record(rng, e.Shape, uint8(rng.IntN(4)))
			contents[f.name] = append(contents[f.name], r...)
			all[f.split] = append(all[f.split], r)
		}
	}
	e.format = records{content: [2]string{arrange(all[Train]), arrange(all[Test])}}
	return e, contents
}

func openTiny(t *testing.T, e entry, contents map[string][]byte) *Published {
	t.Helper()
	dir := t.TempDir()
	store(t, dir, contents)
	s, err := e.open([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is read is what was stored, channels last, in the order of the records' SHA-256.
func TestReadRecords(t *testing.T) {
	e, contents := tinyRecords()
	s := openTiny(t, e, contents)
	stored := slices.Collect(slices.Chunk(slices.Concat(contents["data_batch_1.bin"], contents["data_batch_2.bin"]), 19))
	slices.SortFunc(stored, func(a, b []byte) int {
		x, y := sha256.Sum256(a), sha256.Sum256(b)
		return bytes.Compare(x[:], y[:])
	})
	set, err := s.Read(Train, 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 3 || set.Dim != 18 || set.Classes != 4 || s.Shape() != e.Shape {
		t.Fatalf("%d samples of %d values, %d classes", set.Len(), set.Dim, set.Classes)
	}
	for i, r := range stored[1:] {
		if set.Labels[i] != r[0] {
			t.Errorf("sample %d has label %d: want %d", i, set.Labels[i], r[0])
		}
		for y := range 3 {
			for x := range 2 {
				for c := range 3 {
					got, want := set.X[i*18+(y*2+x)*3+c], float32(r[1+c*6+y*2+x])/255
					if got != want {
						t.Fatalf("sample %d, row %d, column %d, channel %d: %g, want %g", i, y, x, c, got, want)
					}
				}
			}
		}
	}
	if empty, err := s.Read(Test, 3, 3); err != nil || empty.Len() != 0 {
		t.Errorf("no samples: %v, %v", empty, err)
	}
}

// Neither the order of records nor packing matters.
func TestRecordsAreTheirContent(t *testing.T) {
	e, contents := tinyRecords()
	want, err := openTiny(t, e, contents).Read(Train, 0, 4)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for range 10 {
		all := slices.Collect(slices.Chunk(slices.Concat(contents["data_batch_1.bin"], contents["data_batch_2.bin"]), 19))
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		other := map[string][]byte{
			"data_batch_1.bin":    slices.Concat(all[:2]...),
			"data_batch_2.bin.gz": pack(t, slices.Concat(all[2:]...)),
			"test_batch.bin":      contents["test_batch.bin"],
		}
		s := openTiny(t, e, other)
		got, err := s.Read(Train, 0, 4)
		if err != nil || !slices.Equal(got.X, want.X) || !slices.Equal(got.Labels, want.Labels) {
			t.Fatalf("samples differ when records are shuffled (%v)", err)
		}
		if !good(s.verify()) {
			t.Fatalf("shuffled records: %v", s.verify())
		}
	}
}

func TestRecordsRefused(t *testing.T) {
	e, contents := tinyRecords()
	first := contents["data_batch_1.bin"]
	swapped := slices.Concat(contents["test_batch.bin"][:19], first[19:])
	packedFirst := pack(t, first)
	changed := func(i int, v byte) []byte {
		c := bytes.Clone(first)
		c[i] = v
		return c
	}
	cases := []struct {
		name string
		file string
		data []byte
		want string
		bad  int // checks that fail
	}{
		{"empty", "data_batch_1.bin", nil, "0 bytes: want 38, 2 records of 19 bytes", 1},
		{"cut", "data_batch_1.bin", first[:37], "37 bytes: want 38", 1},
		{"cut after a record", "data_batch_1.bin", first[:19], "19 bytes: want 38", 1},
		{"longer", "data_batch_1.bin", append(bytes.Clone(first), 0), "more than 38 bytes: want 2 records of 19", 1},
		{"longer, packed", "data_batch_1.bin.gz", pack(t, append(bytes.Clone(first), make([]byte, 1<<20)...)), "more than 38 bytes", 1},
		{"not packed", "data_batch_1.bin.gz", first, "damaged or cut short", 1},
		{"packed, empty", "data_batch_1.bin.gz", nil, "damaged or cut short", 1},
		{"packed, cut", "data_batch_1.bin.gz", packedFirst[:len(packedFirst)-9], "damaged or cut short", 1},
		{"packed, rubbish after it", "data_batch_1.bin.gz", append(bytes.Clone(packedFirst), 'x'), "damaged or cut short", 1},
		{"class", "data_batch_1.bin", changed(19, 4), "record 1 has class 4: want a class below 4", 1},
		{"another level", "data_batch_1.bin", changed(30, first[30]^1), "the images of the train split have SHA-256", 2},
		{"a test image", "data_batch_1.bin", swapped, "not the published ones", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			other := map[string][]byte{"data_batch_2.bin": contents["data_batch_2.bin"], "test_batch.bin": contents["test_batch.bin"], c.file: c.data}
			s := openTiny(t, e, other)
			_, err := s.Read(Train, 0, 1)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.folder) {
				t.Errorf("error %v, want one with %q and the folder", err, c.want)
			}
			if _, err := s.Read(Test, 0, 3); err != nil {
				t.Errorf("the test split: %v", err)
			}
			bad := 0
			for i, check := range s.verify() {
				if check.File != s.paths[i] {
					t.Errorf("check %d is of %s: want %s", i, check.File, s.paths[i])
				}
				if check.Err != nil {
					bad++
				}
			}
			if bad != c.bad {
				t.Errorf("%d checks fail: want %d", bad, c.bad)
			}
		})
	}
}

func TestMissingRecords(t *testing.T) {
	e, contents := tinyRecords()
	dir := t.TempDir()
	delete(contents, "test_batch.bin")
	store(t, dir, contents)
	var missing *MissingError
	if _, err := e.open([]string{dir}); !errors.As(err, &missing) || missing.Lacks != filepath.Join(dir, "tiny", "test_batch.bin") {
		t.Errorf("error %v: want test_batch.bin missing", err)
	}
}

func TestRecordsAreReadNoFurtherThanWanted(t *testing.T) {
	if err := decodeRecords(make([]byte, 38), endless{}, 19, 4); err == nil || !strings.Contains(err.Error(), "more than 38 bytes") {
		t.Errorf("error %v", err)
	}
}

func FuzzDecodeRecords(f *testing.F) {
	_, contents := tinyRecords()
	f.Add(contents["data_batch_1.bin"])
	f.Add(contents["test_batch.bin"])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		content := make([]byte, 38)
		if err := decodeRecords(content, bytes.NewReader(data), 19, 4); err == nil && (!bytes.Equal(content, data) || data[0] > 3 || data[19] > 3) {
			t.Fatalf("accepted %x as %x", data, content)
		}
	})
}

// The mean levels of the channels of CIFAR-10's training images are published to the last bit. That sums of 51 million
// levels are met exactly shows that the pinned content is the published images, whatever the order of the records in the
// copy that is here. Those of the test images are published to eight digits.
func TestCIFARIsThePublished(t *testing.T) {
	dir := os.Getenv("HEPEX_DATA")
	if dir == "" {
		t.Skip("set HEPEX_DATA to the folder that holds cifar-10/")
	}
	if testing.Short() {
		t.Skip("reads 180 MB")
	}
	source, err := Open("cifar-10", []string{dir})
	if missing := (*MissingError)(nil); errors.As(err, &missing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	for split, mean := range [][3]string{
		Train: {"125.306918046875", "122.950394140625", "113.865383183594"},
		Test:  {"126.024641406250", "123.708504199219", "114.854318652344"},
	} {
		levels, labels, err := source.entry.format.read(source, Split(split), 0, source.entry.size(Split(split)))
		if err != nil {
			t.Fatal(err)
		}
		var sums [3]int
		for i, v := range levels {
			sums[i%3] += int(v)
		}
		var counts [10]int
		for _, l := range labels {
			counts[l]++
		}
		for c, sum := range sums {
			if got := fmt.Sprintf("%.12f", float64(sum)/float64(len(levels)/3)); got != mean[c] {
				t.Errorf("%v split, channel %d: mean %s, want %s", Split(split), c, got, mean[c])
			}
		}
		if slices.Min(counts[:]) != len(labels)/10 || slices.Max(counts[:]) != len(labels)/10 {
			t.Errorf("%v split: classes %v, want them equally many", Split(split), counts)
		}
	}
	// Samples are numbered by content, so their number says nothing about their class.
	set, err := source.Read(Test, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(set.Labels)
	if got, want := hex.EncodeToString(hash[:8]), "94b4deccb1b93cee"; got != want {
		t.Errorf("the labels of the first test samples have SHA-256 %s…: want %s…", got, want)
	}
}
