package datasets

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/datasets/npy"
)

// ownFiles writes files, by name, and gives what is said of them: edit changes the defaults.
func ownFiles(t testing.TB, content map[string][]byte, edit func(f *Files)) Files {
	t.Helper()
	dir := t.TempDir()
	f := DefaultFiles()
	f.From = dir
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if len(content) == 1 && filepath.Ext(name) != ".npy" && filepath.Ext(name) != ".bin" {
			f.From = path
		}
	}
	if edit != nil {
		edit(&f)
	}
	return f
}

func mustLoad(t testing.TB, f Files) *Own {
	t.Helper()
	own, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func mustRead(t testing.TB, s *Own, split Split, from, to int) *Set {
	t.Helper()
	set, err := s.Read(split, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func labelled(f *Files) { f.Label = "class" }

// csvOf is a table of n samples of two columns and a label, 0 and 1 in turn.
func csvOf(n int) []byte {
	text := "a,b,class\n"
	for i := range n {
		text += fmt.Sprintf("%d,%g,%d\n", i, float64(i*i)/7, i%2)
	}
	return []byte(text)
}

func array[T npy.Number](t testing.TB, values []T, shape ...int) npy.Array {
	t.Helper()
	a, err := npy.New(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func npzOf(t testing.TB, arrays map[string]npy.Array) []byte {
	t.Helper()
	var text strings.Builder
	if err := npy.WriteNPZ(&text, arrays); err != nil {
		t.Fatal(err)
	}
	return []byte(text.String())
}

func npyOf(t testing.TB, a npy.Array) []byte {
	t.Helper()
	var text strings.Builder
	if err := npy.Write(&text, a); err != nil {
		t.Fatal(err)
	}
	return []byte(text.String())
}

func TestOwnCSV(t *testing.T) {
	own := mustLoad(t, ownFiles(t, map[string][]byte{"data.csv": csvOf(100)}, labelled))
	want := Form{Shape: Shape{1, 1, 2}, Classes: 2, Train: 80, Test: 20}
	if own.Form != want || own.Format != "CSV" || !own.HeldOut || !slices.Equal(own.Columns, []string{"a", "b"}) || own.Names != nil {
		t.Errorf("%+v: want %+v", own.About, want)
	}
	if own.SHA256 != sumHex(csvOf(100)) {
		t.Errorf("SHA-256 %s: want that of the file", own.SHA256)
	}
	// Each sample is there once, with its label; the training split has mean 0 and variance 1.
	seen := map[float32]bool{}
	for split, n := range []int{Train: 80, Test: 20} {
		set := mustRead(t, own, Split(split), 0, n)
		for i, label := range set.Labels {
			row := math.Round(float64(set.X[2*i])/own.Scaling.Factor[0] + own.Scaling.Offset[0])
			square := float64(set.X[2*i+1])/own.Scaling.Factor[1] + own.Scaling.Offset[1]
			if seen[float32(row)] || int(row)%2 != int(label) || math.Abs(square-row*row/7) > 1e-3 {
				t.Errorf("%v sample %d: row %g, square %g, label %d", Split(split), i, row, square, label)
			}
			seen[float32(row)] = true
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d samples: want 100", len(seen))
	}
	for c, r := range ranges(own.sets[Train].X, 2) {
		if math.Abs(r.Mean) > 1e-6 || math.Abs(r.Deviation-1) > 1e-6 {
			t.Errorf("column %d: %+v: want mean 0, deviation 1", c, r)
		}
	}
}

// Tables of two splits, with names of classes, quotes, spaces, a byte order mark and carriage returns.
func TestOwnCSVFolder(t *testing.T) {
	f := ownFiles(t, map[string][]byte{
		"train.csv": []byte("\ufeff\"age, in years\",class , b\r\n1,yes,2\r\n\r\n\"3\", no,4\r\n5,yes,5\r\n"),
		"test.csv":  []byte("\"age, in years\",class,b\n9,no,-1e3\n"),
	}, labelled)
	f.Scale = ScaleNone
	own := mustLoad(t, f)
	if !slices.Equal(own.Columns, []string{"age, in years", "b"}) || !slices.Equal(own.Names, []string{"no", "yes"}) || own.HeldOut {
		t.Errorf("%+v", own.About)
	}
	test := mustRead(t, own, Test, 0, 1)
	if !slices.Equal(test.X, []float32{9, -1000}) || test.Labels[0] != 0 {
		t.Errorf("test sample %v, label %d", test.X, test.Labels[0])
	}
	counts := map[uint8]int{}
	for _, label := range mustRead(t, own, Train, 0, 3).Labels {
		counts[label]++
	}
	if counts[0] != 1 || counts[1] != 2 {
		t.Errorf("labels %v: want one no, two yes", counts)
	}
}

// Classes go by the value of whole numbers or, if one is none, by the alphabet.
func TestOwnClasses(t *testing.T) {
	for _, c := range []struct {
		labels [2]string // of a sample below 0, and of one above
		names  []string
		above  uint8
	}{
		{[2]string{"1", "0"}, nil, 0}, {[2]string{"0", "1"}, nil, 1}, {[2]string{"b", "a"}, []string{"a", "b"}, 0}, {[2]string{"b", "1"}, []string{"1", "b"}, 0}, {[2]string{"1", "b"}, []string{"1", "b"}, 1},
	} {
		text := fmt.Sprintf("a,class\n-1,%s\n1,%s\n", c.labels[0], c.labels[1])
		own := mustLoad(t, ownFiles(t, map[string][]byte{"train.csv": []byte(text), "test.csv": []byte(text)}, labelled))
		if got := mustRead(t, own, Test, 1, 2).Labels[0]; got != c.above || !slices.Equal(own.Names, c.names) {
			t.Errorf("%q: class %d, names %q: want %d, %q", c.labels, got, own.Names, c.above, c.names)
		}
	}
}

func TestOwnRegression(t *testing.T) {
	own := mustLoad(t, ownFiles(t, map[string][]byte{"data.csv": csvOf(50)}, func(f *Files) { f.Target = []string{"b", "class"} }))
	if own.Targets != 2 || own.Classes != 0 || own.Outputs() != 2 || len(own.Columns) != 1 {
		t.Errorf("%+v", own.About)
	}
	set := mustRead(t, own, Test, 3, 10)
	for i := range 7 {
		row := math.Round(float64(set.X[i])/own.Scaling.Factor[0] + own.Scaling.Offset[0])
		square := float64(set.Target[2*i])/own.TargetScale.Factor[0] + own.TargetScale.Offset[0]
		if math.Abs(square-row*row/7) > 1e-3 {
			t.Errorf("target %g of row %g: want %g", square, row, row*row/7)
		}
	}
}

func TestOwnArrays(t *testing.T) {
	const n, c, h, w = 12, 3, 2, 4
	first, last := make([]float64, n*c*h*w), make([]float64, n*c*h*w)
	labels := make([]int64, n)
	for i := range n {
		labels[i] = int64(i % 3)
		for ch := range c {
			for at := range h * w {
				v := float64(i*100 + ch*10 + at)
				first[(i*c+ch)*h*w+at], last[(i*h*w+at)*c+ch] = v, v
			}
		}
	}
	x, y := array(t, first, n, c, h, w), array(t, labels, n)
	plain := func(f *Files) { f.Scale, f.Channels = ScaleNone, "first" }
	named := func(f *Files) {
		plain(f)
		f.Arrays = Arrays{"images", "kinds", "more", "more_kinds"}
	}
	for name, f := range map[string]Files{
		"npz":    ownFiles(t, map[string][]byte{"d.npz": npzOf(t, map[string]npy.Array{"x_train": x, "y_train": y, "x_test": x, "y_test": y})}, plain),
		"named":  ownFiles(t, map[string][]byte{"d.npz": npzOf(t, map[string]npy.Array{"images": x, "kinds": y, "more": x, "more_kinds": y, "x_train": y})}, named),
		"folder": ownFiles(t, map[string][]byte{"x_train.npy": npyOf(t, x), "y_train.npy": npyOf(t, y), "x_test.npy": npyOf(t, x), "y_test.npy": npyOf(t, y)}, plain),
	} {
		own := mustLoad(t, f)
		if own.Form != (Form{Shape: Shape{h, w, c}, Classes: 3, Train: n, Test: n}) {
			t.Errorf("%s: %+v", name, own.Form)
		}
		set := mustRead(t, own, Test, 0, n)
		var want []float32
		for _, v := range last {
			want = append(want, float32(v))
		}
		if diff := cmp.Diff(want, set.X); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if set.Labels[5] != 2 {
			t.Errorf("%s: label %d of sample 5", name, set.Labels[5])
		}
	}
	unlabelled := mustLoad(t, ownFiles(t, map[string][]byte{"d.npz": npzOf(t, map[string]npy.Array{"x_train": x})}, func(f *Files) { f.Channels = "first" }))
	if unlabelled.Outputs() != 0 || unlabelled.Train != 10 || unlabelled.Test != 2 || unlabelled.Scaling.Kind != ScaleUnit {
		t.Errorf("without labels: %+v", unlabelled.About)
	}
}

// Regression by arrays, and bytes, which are divided by 255 like those of all images.
func TestOwnBytesAndFloatTargets(t *testing.T) {
	own := mustLoad(t, ownFiles(t, map[string][]byte{"d.npz": npzOf(t, map[string]npy.Array{
		"x_train": array(t, []uint8{0, 51, 102, 255, 10, 20, 30, 40}, 4, 2), "y_train": array(t, []float32{1, 2, 3, 4}, 4),
	})}, func(f *Files) { f.Holdout = 0.25 }))
	if own.Targets != 1 || own.Scaling.Kind != "bytes" || own.Train != 3 {
		t.Errorf("%+v", own.About)
	}
	all := append(slices.Clone(own.sets[Train].X), own.sets[Test].X...)
	if !slices.Contains(all, 51./255) || !slices.Contains(all, 1) {
		t.Errorf("values %v", all)
	}
}

// ownIDX are the files of a folder like MNIST's, with so many samples of 2×3 in each split.
func ownIDX(t testing.TB, train, test int) map[string][]byte {
	labels := func(n int) []byte {
		out := idxBytes(0x0801, []int{n}, 0)
		for i := range n {
			out = append(out, byte(i%3))
		}
		return out
	}
	return map[string][]byte{
		"train-images-idx3-ubyte":   idxBytes(0x0803, []int{train, 2, 3}, train*6),
		"train-labels-idx1-ubyte":   labels(train),
		"t10k-images-idx3-ubyte.gz": pack(t, idxBytes(0x0803, []int{test, 2, 3}, test*6)),
		"t10k-labels-idx1-ubyte.gz": pack(t, labels(test)),
	}
}

func TestOwnIDX(t *testing.T) {
	const images = "train-images-idx3-ubyte"
	files := ownIDX(t, 9, 6)
	own := mustLoad(t, ownFiles(t, with(files, images+".gz", pack(t, files[images])), nil))
	if own.Form != (Form{Shape: Shape{2, 3, 1}, Classes: 3, Train: 9, Test: 6}) {
		t.Errorf("%+v", own.Form)
	}
	set := mustRead(t, own, Test, 0, 6)
	for i, label := range set.Labels {
		if label != uint8(i%3) || math.Abs(float64(set.X[6*i+1])-float64(6*i+1)/255) > 1e-6 {
			t.Errorf("sample %d: label %d, %v", i, label, set.X[6*i:6*i+6])
		}
	}
}

func TestOwnCIFAR(t *testing.T) {
	batch := func(labels ...byte) (out []byte) {
		for _, label := range labels {
			out = append(out, label)
			for i := range 3 * 1024 {
				out = append(out, byte(i/1024*50))
			}
		}
		return out
	}
	own := mustLoad(t, ownFiles(t, map[string][]byte{
		"data_batch_1.bin": batch(0, 1), "data_batch_2.bin": batch(2, 2, 1), "test_batch.bin": batch(0, 2), "batches.meta.txt": nil,
		"data_batch_1.bin.gz": pack(t, batch(0, 1)), // of the same, which counts once
	}, nil))
	if own.Form != (Form{Shape: Shape{32, 32, 3}, Classes: 3, Train: 5, Test: 2}) {
		t.Errorf("%+v", own.Form)
	}
	more := mustLoad(t, ownFiles(t, map[string][]byte{"data_batch_10.bin": batch(0, 1), "data_batch_9.bin": batch(0, 1), "data_batch_1.bin": batch(0, 1)}, nil))
	if got := filepath.Base(more.Files[1]); got != "data_batch_9.bin" {
		t.Errorf("the second file is %s: want the numbers in order", got)
	}
	set := mustRead(t, own, Test, 1, 2)
	if set.Labels[0] != 2 || set.X[4] != float32(50./255) || set.X[3071] != float32(100./255) {
		t.Errorf("label %d, values %v", set.Labels[0], set.X[:6])
	}
}

// What a set of one's own is has a checksum: of the content and how it is read, not of where it lies.
func TestOwnChecksum(t *testing.T) {
	content := map[string][]byte{"data.csv": csvOf(40)}
	one, other := ownFiles(t, content, labelled), ownFiles(t, content, labelled)
	one.Found, other.Found = mustLoad(t, one).Found, mustLoad(t, other).Found
	if one.Checksum() != other.Checksum() {
		t.Error("the same files elsewhere have another checksum")
	}
	sums := map[string]bool{one.Checksum(): true}
	for _, edit := range []func(f *Files){
		func(f *Files) { f.Scale = ScaleUnit }, func(f *Files) { f.Holdout = 0.3 }, func(f *Files) { f.Label, f.Target = "", []string{"class"} },
		func(f *Files) { f.Found.SHA256 = strings.Repeat("0", 64) },
	} {
		f := one
		edit(&f)
		sums[f.Checksum()] = true
	}
	if len(sums) != 5 {
		t.Errorf("%d checksums of 5 sets", len(sums))
	}
	if err := one.Verify(); err != nil {
		t.Error(err)
	}
	other.Found.Train++
	if _, err := Load(other); err == nil || !strings.Contains(err.Error(), "32 to train, 8 to test: want") {
		t.Errorf("another form than was found: %v", err)
	}
	if err := os.WriteFile(one.From, csvOf(41), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"verify": one.Verify(), "read": second(one.Read(Train, 0, 1))} {
		if err == nil || !strings.Contains(err.Error(), "the files have changed") {
			t.Errorf("%s of a changed file: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestFoundRoundTrip(t *testing.T) {
	want := mustLoad(t, ownFiles(t, map[string][]byte{"data.csv": csvOf(40)}, labelled)).Found
	got, err := ParseFound(want.String())
	if err != nil || got != want {
		t.Errorf("%v, %v: want %v", got, err, want)
	}
	for _, bad := range []string{"", "sha256", want.String() + " ", "x" + want.String()} {
		if _, err := ParseFound(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
