package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// located are the files of a data set of one's own. Those of a split are in an order of the format.
type located struct {
	format ownFormat
	files  [2][]string // by Split
}

// ownFormat is how the files of one's own data are read.
type ownFormat interface {
	// read reads what was located, which is at least one file of the training split.
	read(l located, f Files) (*raw, error)
}

func (l located) paths() []string { return slices.Concat(l.files[Train], l.files[Test]) }

func (l located) read(f Files) (*raw, error) {
	_, table := l.format.(csvFiles)
	_, archive := l.format.(npzFile)
	_, folder := l.format.(npyFiles)
	switch {
	case !archive && !folder && (f.Arrays != DefaultFiles().Arrays || f.Channels != ""):
		return nil, fmt.Errorf("%s: arrays and channels are about NumPy's files: want neither, as there are none", f.From)
	case !table && (f.Label != "" || f.Target != nil):
		return nil, fmt.Errorf("%s: label and target name columns of CSV files: want neither, as the files say what is what", f.From)
	case f.Label != "" && f.Target != nil:
		return nil, fmt.Errorf("%s: both label and target are given: want classes or what a regression should give", f.From)
	}
	return l.format.read(l, f)
}

const ownForms = "a .csv or .npz file, or a folder with train.csv and test.csv, with x_train.npy …, with IDX files (…-images-idx3-ubyte), or with CIFAR-10's .bin files"

// maxEntries is the most files that a folder with data may have.
const maxEntries = 4096

// locate tells what lies at From.
func (f Files) locate() (located, error) {
	info, err := os.Stat(f.From)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		here, _ := os.Getwd() // for the message only
		return located{}, fmt.Errorf("%s: no such file or folder (in %s): want %s", f.From, here, ownForms)
	case err != nil:
		return located{}, err
	case info.IsDir():
		return f.locateIn(f.From)
	case !info.Mode().IsRegular():
		return located{}, fmt.Errorf("%s: neither a file nor a folder: want %s", f.From, ownForms)
	}
	one := [2][]string{Train: {f.From}}
	switch strings.ToLower(filepath.Ext(f.From)) {
	case ".csv":
		return located{csvFiles{}, one}, nil
	case ".npz":
		return located{npzFile{}, one}, nil
	}
	return located{}, fmt.Errorf("%s: unknown kind of file: want %s", f.From, ownForms)
}

// locateIn looks through a folder, which must have files of one format.
func (f Files) locateIn(folder string) (located, error) {
	dir, err := os.Open(folder)
	if err != nil {
		return located{}, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxEntries + 1)
	switch {
	case errors.Is(err, io.EOF):
		return located{}, fmt.Errorf("%s: an empty folder: want %s", folder, ownForms)
	case err != nil:
		return located{}, err
	case len(names) > maxEntries:
		return located{}, fmt.Errorf("%s: more than %d files: want %s", folder, maxEntries, ownForms)
	}
	names = withoutCopies(names)
	var found []located
	for _, look := range []func([]string) (located, bool){csvIn, f.npyIn, idxIn, cifarIn} {
		if l, ok := look(names); ok {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		what := "holds no data set"
		if len(found) > 1 {
			what = fmt.Sprintf("holds files of several formats, such as %s and %s", found[0].paths()[0], found[1].paths()[0])
		}
		return located{}, fmt.Errorf("%s: %s: want %s", folder, what, ownForms)
	}
	l := found[0]
	for split := range l.files {
		for i, name := range l.files[split] {
			l.files[split][i] = filepath.Join(folder, name)
		}
	}
	for _, path := range l.paths() {
		if info, err := os.Stat(path); err != nil {
			return located{}, err
		} else if !info.Mode().IsRegular() {
			return located{}, fmt.Errorf("%s: not a file: want %s", path, ownForms)
		}
	}
	return l, nil
}

// withoutCopies are the names in order, without those of packed files that lie there unpacked as well: their samples would count twice.
func withoutCopies(names []string) (kept []string) {
	slices.Sort(names)
	for _, name := range names {
		if _, twice := slices.BinarySearch(names, strings.TrimSuffix(name, ".gz")); !packed(name) || !twice {
			kept = append(kept, name)
		}
	}
	return kept
}

func csvIn(names []string) (located, bool) {
	l := located{format: csvFiles{}}
	for split, name := range []string{Train: "train.csv", Test: "test.csv"} {
		if slices.Contains(names, name) {
			l.files[split] = []string{name}
		}
	}
	return l, l.files[Train] != nil
}

func (f Files) npyIn(names []string) (located, bool) {
	l := located{format: npyFiles{}}
	for split, arrays := range f.Arrays.bySplit() {
		for _, array := range arrays {
			if name := array + ".npy"; slices.Contains(names, name) {
				l.files[split] = append(l.files[split], name)
			}
		}
	}
	return l, l.files[Train] != nil
}

// idxIn finds IDX files by their names, which MNIST and its followers share but for what comes before: images, then labels.
func idxIn(names []string) (located, bool) {
	l := located{format: idxOwn{}}
	for _, what := range []string{"-images", "-labels"} {
		for _, name := range names {
			if !strings.Contains(name, what) || !strings.Contains(name, "idx") {
				continue
			}
			split := Train
			if strings.Contains(name, "t10k-") || strings.Contains(name, "test-") {
				split = Test
			}
			l.files[split] = append(l.files[split], name)
		}
	}
	return l, len(l.files[Train]) > 0
}

func cifarIn(names []string) (located, bool) {
	l := located{format: cifarFiles{}}
	for _, name := range names {
		if !strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".bin") {
			continue
		}
		split := Train
		if strings.HasPrefix(name, "test") {
			split = Test
		}
		l.files[split] = append(l.files[split], name)
	}
	slices.SortStableFunc(l.files[Train], func(a, b string) int { return cmp.Compare(len(a), len(b)) }) // data_batch_10 after data_batch_9
	return l, l.files[Train] != nil
}
