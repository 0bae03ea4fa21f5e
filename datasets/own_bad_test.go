package datasets

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hepex/datasets/npy"
)

// with are files with another one, in the place of that of the same name, or without that.
func with(files map[string][]byte, name string, content []byte) map[string][]byte {
	files = maps.Clone(files)
	if files[name] = content; content == nil {
		delete(files, name)
	}
	return files
}

type badFiles struct {
	name  string
	files map[string][]byte
	edit  func(f *Files)
	want  string // in the error
}

func csvFile(text string) map[string][]byte { return map[string][]byte{"data.csv": []byte(text)} }

func badTables(t testing.TB) []badFiles {
	split := func(test string) map[string][]byte {
		return map[string][]byte{"train.csv": []byte("a,class\n1,0\n2,1\n3,2\n"), "test.csv": []byte(test)}
	}
	binaryFile := append([]byte("a,class\n1,0\n"), 0, 1, 2, 255, '\n')
	wide := "a" + strings.Repeat(",b", maxColumns) + "\n"
	return []badFiles{
		{"empty file", csvFile(""), labelled, "data.csv:1: the file is empty"},
		{"no samples", csvFile("a,class\n"), labelled, "train split has no samples"},
		{"one sample", csvFile("a,class\n1,0\n"), labelled, "test split has no samples"},
		{"ragged", csvFile("a,class\n1,0\n1,2,3\n"), labelled, "data.csv:3: 3 cells: want 2"},
		{"short row", csvFile("a,class\n1,0\n\n1\n"), labelled, "data.csv:4: 1 cells: want 2"},
		{"NaN", csvFile("a,class\n1,0\nnan,1\n"), labelled, `data.csv:3: column "a": NaN`},
		{"infinite", csvFile("a,class\n1,0\n-inf,1\n"), labelled, `data.csv:3: column "a": infinite`},
		{"too large", csvFile("a,class\n1e400,0\n"), labelled, `data.csv:2: column "a": 1e400 is too large`},
		{"large", csvFile("a,class\n1e31,0\n"), labelled, "1e+31 is too large"},
		{"empty cell", csvFile("a,class\n1,0\n,1\n"), labelled, `data.csv:3: column "a": an empty cell`},
		{"empty label", csvFile("a,class\n1,0\n2,\n"), labelled, `data.csv:3: column "class": an empty cell`},
		{"text", csvFile("a,class\n1,0\nred,1\n"), labelled, `data.csv:3: column "a": "red" is no number`},
		{"several faults", csvFile("a,class\nx,0\ny,1\n1\n"), labelled, "data.csv:4: 1 cells"},
		{"no column", csvFile("a,kind\n1,0\n"), labelled, `data.csv:1: no column "class": want one of a, kind`},
		{"column twice", csvFile("a,a,class\n1,2,0\n"), labelled, `column "a" is there twice`},
		{"nameless column", csvFile("a,,class\n1,2,0\n"), labelled, "column 2 has no name"},
		{"no names", csvFile("1,2,0\n3,4,1\n"), nil, "the first line holds numbers only"},
		{"semicolons", csvFile("a;class\n1;0\n"), labelled, `no column "class"`},
		{"label alone", csvFile("class\n1\n0\n"), labelled, "no column is left for inputs"},
		{"target and label", csvFile("a,class\n1,0\n"), func(f *Files) { labelled(f); f.Target = []string{"a"} }, "both label and target"},
		{"target twice", csvFile("a,b\n1,0\n"), func(f *Files) { f.Target = []string{"a", "a"} }, `column "a" is named twice`},
		{"open quote", csvFile("a,class\n\"1,0\n2,1\n"), labelled, "data.csv:2: "},
		{"binary", map[string][]byte{"data.csv": binaryFile}, labelled, "data.csv:3: not text"},
		{"archive called csv", map[string][]byte{"data.csv": pack(t, csvOf(100))}, labelled, "data.csv:1: not text"},
		{"endless line", csvFile(strings.Repeat("1,", 3<<20)), labelled, "want lines of at most"},
		{"endless line below", csvFile("a,class\n1,0\n" + strings.Repeat("9", 3<<20)), labelled, "data.csv:3: "},
		{"too wide", csvFile(wide), labelled, "columns: want at most"},
		{"labels from 1", csvFile("a,class\n1,1\n2,2\n3,3\n4,1\n5,2\n6,3\n"), labelled, "labels run from 1 to 3: want classes from 0"},
		{"labels with a gap", with(split("a,class\n1,0\n"), "train.csv", []byte("a,class\n1,0\n2,1\n3,5\n")), labelled, "class 2 has no training sample"},
		{"negative label", csvFile("a,class\n1,-1\n2,0\n3,0\n4,-1\n5,-1\n6,-1\n"), labelled, "label -1: want classes from 0"},
		{"large label", csvFile("a,class\n1,1000\n2,0\n3,0\n4,1000\n5,1000\n6,1000\n"), labelled, "label 1000: want classes from 0 to 255"},
		{"one class", csvFile("a,class\n1,0\n2,0\n3,0\n4,0\n5,0\n"), labelled, "all training samples have class 0"},
		{"too many classes", map[string][]byte{"data.csv": csvOf(600)}, func(f *Files) { f.Label = "b" }, "want at most 256 classes"},
		{"unseen class", split("a,class\n1,0\n2,7\n"), labelled, "test.csv:3: class 7 was never seen in training"},
		{"unseen name", split("a,class\n1,0\n2,new\n"), labelled, "class \"new\" was never seen in training"},
		{"other columns", split("b,class\n1,0\n"), labelled, "test.csv:1: other columns"},
		{"empty test split", split("a,class\n"), labelled, "no samples after the line of names"},
		{"one label of many", with(split("a,class\n1,0\n"), "train.csv", []byte("a,class\n1,0\n2,1\n3,0\n4,1\n5,1000\n6,1\n7,0\n8,1\n")), labelled, "train.csv:6: label 1000"},
		{"beyond after scaling", with(split("a,class\n1,0\n1e25,0\n"), "train.csv", []byte("a,class\n0,0\n1e-9,1\n2e-9,2\n")), labelled, "test.csv:3: a value is 1"},
		{"arrays", csvFile("a,class\n1,0\n"), func(f *Files) { labelled(f); f.Arrays.XTrain = "x" }, "arrays and channels are about NumPy's files"},
		{"channels", csvFile("a,class\n1,0\n"), func(f *Files) { labelled(f); f.Channels = "last" }, "arrays and channels are about NumPy's files"},
		{"constant target", csvFile("a,y\n1,3\n2,3\n3,3\n4,3\n5,3\n"), func(f *Files) { f.Target = []string{"y"} }, "target 1 is always 3"},
	}
}

func badArrays(t testing.TB) []badFiles {
	x := array(t, make([]float32, 12), 6, 2)
	y := array(t, []int64{0, 1, 0, 1, 0, 1}, 6)
	sound := map[string]npy.Array{"x_train": x, "y_train": y, "x_test": x, "y_test": y}
	npz := func(name string, a npy.Array) map[string][]byte {
		arrays := maps.Clone(sound)
		if arrays[name] = a; a.Type == "" {
			delete(arrays, name)
		}
		return map[string][]byte{"d.npz": npzOf(t, arrays)}
	}
	swapped := npyOf(t, array(t, []float32{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}, 6, 2))
	for word := range slices.Chunk(swapped[len(swapped)-48:], 4) {
		slices.Reverse(word)
	}
	nan := array(t, []float32{0, 1, 2, 3, float32NaN(), 5, 6, 7, 8, 9, 10, 11}, 6, 2)
	huge := bytes.ReplaceAll(npyOf(t, x), []byte("(6, 2), }        "), []byte("(60000000, 2), } "))
	whole := npzOf(t, sound)
	folder := map[string][]byte{"x_train.npy": npyOf(t, x), "y_train.npy": npyOf(t, y)}
	return []badFiles{
		{"no x_train", npz("x_train", npy.Array{}), nil, "no array x_train"},
		{"no y_test", npz("y_test", npy.Array{}), nil, "no array y_test"},
		{"no x_test", npz("x_test", npy.Array{}), nil, "no array x_test"},
		{"no y_train", npz("y_train", npy.Array{}), nil, "no array y_train"},
		{"other name", npz("x_train", x), func(f *Files) { f.Arrays.XTest = "more" }, "no array more"},
		{"NaN", npz("x_train", nan), nil, "d.npz: x_train[2]: value 0: NaN"},
		{"NaN test", npz("x_test", nan), nil, "d.npz: x_test[2]"},
		{"short labels", npz("y_train", array(t, []int64{0, 1}, 2)), nil, "y_train: shape [2]: want 6"},
		{"labels from 1", npz("y_train", array(t, []int64{1, 2, 1, 2, 1, 2}, 6)), nil, "labels run from 1 to 2"},
		{"unseen class", npz("y_test", array(t, []int64{0, 1, 0, 1, 0, 3}, 6)), nil, "y_test[5]: class 3 was never seen"},
		{"huge label", npz("y_train", array(t, []int64{0, 1, 0, 1, 0, 1 << 56}, 6)), nil, "want classes from 0 to 255"},
		{"huge unsigned label", npz("y_train", array(t, []uint64{0, 1, 0, 1, 0, 1 << 63}, 6)), nil, "want integers below 2^63"},
		{"one-hot integers", npz("y_train", array(t, make([]int64, 12), 6, 2)), nil, "want one class for each sample"},
		{"classes and floats", npz("y_test", array(t, make([]float32, 6), 6)), nil, "want what the training split has"},
		{"bytes and floats", npz("x_test", array(t, make([]uint8, 12), 6, 2)), nil, "elements u1: want those of the training split"},
		{"other targets", map[string][]byte{"d.npz": npzOf(t, map[string]npy.Array{"x_train": x, "y_train": x, "x_test": x, "y_test": array(t, make([]float32, 6), 6)})}, nil, "y_test: 1 values for a sample"},
		{"one axis", npz("x_train", array(t, make([]float32, 6), 6)), nil, "x_train: shape [6]: want (samples, values)"},
		{"no samples", npz("x_train", array(t, []float32{}, 0, 2)), nil, "want at least one sample"},
		{"no values", npz("x_train", array(t, []float32{}, 6, 0)), nil, "samples with at least one value"},
		{"empty test", npz("x_test", array(t, []float32{}, 0, 2)), nil, "want at least one sample"},
		{"other shape", npz("x_test", array(t, make([]float32, 18), 6, 3)), nil, "want those of the training split"},
		{"four axes", npz("x_train", array(t, make([]float32, 12), 6, 1, 1, 2)), nil, "want data.channels"},
		{"label of arrays", npz("x_train", x), labelled, "label and target name columns of CSV files"},
		{"truncated", map[string][]byte{"d.npz": whole[:len(whole)/2]}, nil, "not a .npz file"},
		{"csv called npz", map[string][]byte{"d.npz": csvOf(9)}, nil, "not a .npz file"},
		{"empty npz", map[string][]byte{"d.npz": nil}, nil, "not a .npz file"},
		{"zip bomb", npz("x_train", array(t, make([]float32, 10<<20), 5<<20, 2)), nil, "unpacks to more than"},
		{"huge shape", with(folder, "x_train.npy", huge), nil, "x_train.npy: npy: the header declares"},
		{"wrong byte order", with(folder, "x_train.npy", swapped), nil, "the wrong byte order?"},
		{"npy cut short", with(folder, "y_train.npy", npyOf(t, y)[:140]), nil, "y_train.npy: npy: the header declares"},
		{"lone labels", map[string][]byte{"y_train.npy": npyOf(t, y)}, nil, "no array x_train"},
	}
}

func float32NaN() float32 { zero := float32(0); return zero / zero }

func badImages(t testing.TB) []badFiles {
	sound := ownIDX(t, 9, 6)
	const images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
	little := bytes.Clone(sound[images])
	for word := range slices.Chunk(little[:16], 4) {
		slices.Reverse(word)
	}
	halfLittle := bytes.Clone(sound[images])
	binary.LittleEndian.PutUint32(halfLittle[4:], 9)
	record := make([]byte, 3073)
	other := bytes.Clone(record)
	other[0] = 1
	both := slices.Concat(record, other, record, other, record, other)
	return []badFiles{
		{"magic of another kind", with(sound, images, idxBytes(0x0D03, []int{9, 2, 3}, 54)), nil, "magic number 0x00000d03"},
		{"labels as images", with(sound, images, sound[labels]), nil, "magic number"},
		{"little-endian", with(sound, images, little), nil, "the wrong byte order"},
		{"little-endian dimension", with(sound, images, halfLittle), nil, "wrong byte order"},
		{"fewer labels", with(sound, labels, idxBytes(0x0801, []int{8}, 8)), nil, "9 images, but"},
		{"cut short", with(sound, images, sound[images][:40]), nil, "more than the file holds"},
		{"cut in the header", with(sound, images, sound[images][:9]), nil, "ends within the IDX header"},
		{"trailing bytes", with(sound, images, append(bytes.Clone(sound[images]), 1)), nil, "more than 54 bytes"},
		{"huge", with(sound, images, idxBytes(0x0803, []int{1 << 31, 1 << 31, 1 << 31}, 9)), nil, "the header declares dimensions"},
		{"zero and huge", with(sound, images, idxBytes(0x0803, []int{0, 1 << 31, 1 << 31}, 9)), nil, "more than 0 bytes"},
		{"no labels", with(sound, labels, nil), nil, "1 files of the train split"},
		{"labels from 1", with(sound, labels, append(idxBytes(0x0801, []int{9}, 0), 1, 2, 3, 1, 2, 3, 1, 2, 3)), nil, "labels run from 1 to 3"},
		{"unseen class", with(sound, "t10k-labels-idx1-ubyte.gz", pack(t, append(idxBytes(0x0801, []int{6}, 0), 0, 1, 2, 0, 1, 9))), nil, "label 5: class 9 was never seen"},
		{"other images", with(sound, "t10k-images-idx3-ubyte.gz", pack(t, idxBytes(0x0803, []int{6, 3, 2}, 36))), nil, "images of 3×2×1: want 2×3×1"},
		{"not packed", with(sound, "t10k-images-idx3-ubyte.gz", []byte("hello")), nil, "damaged or cut short"},
		{"packed bomb", with(sound, "t10k-images-idx3-ubyte.gz", pack(t, idxBytes(0x0803, []int{200 << 20, 1, 1}, 1<<20))), nil, "more than the file holds"},
		{"packed labels without end", with(sound, "t10k-labels-idx1-ubyte.gz", pack(t, idxBytes(0x0801, []int{6}, 1<<20))), nil, "more than 6 bytes"},
		{"part of a record", map[string][]byte{"data_batch_1.bin": both[:5000]}, nil, "5000 bytes: want records of 3073"},
		{"CIFAR-100", map[string][]byte{"train.bin": make([]byte, 3074), "test.bin": make([]byte, 3074)}, nil, "3074 bytes: want records of 3073"},
		{"empty records", map[string][]byte{"data_batch_1.bin": nil}, nil, "0 bytes"},
		{"packed records without end", map[string][]byte{"data_batch_1.bin.gz": pack(t, make([]byte, 40<<20)), "readme.txt": nil}, nil, "unpacks to more than"},
		{"two formats", with(sound, "data_batch_1.bin", both), nil, "files of several formats"},
		{"unknown file", map[string][]byte{"data.parquet": both}, nil, "unknown kind of file"},
		{"nothing of use", map[string][]byte{"a.txt": both, "b.txt": both}, nil, "holds no data set"},
	}
}

// What is wrong is refused with its place, for little memory however much a file promises.
func TestOwnRefuses(t *testing.T) {
	const most = 200 << 20
	for kind, list := range map[string][]badFiles{"table": badTables(t), "arrays": badArrays(t), "images": badImages(t)} {
		for _, c := range list {
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				f := ownFiles(t, c.files, c.edit)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := Load(f)
				runtime.ReadMemStats(&after)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v: want one with %q", err, c.want)
				}
				if taken := after.TotalAlloc - before.TotalAlloc; taken > most {
					t.Errorf("%d bytes allocated: want at most %d", taken, most)
				}
			})
		}
	}
}

// A file that is wrong throughout does not fill the screen.
func TestOwnFaultsAreBounded(t *testing.T) {
	_, err := Load(ownFiles(t, csvFile("a,class\n"+strings.Repeat("x,0\n", 100)), labelled))
	if err == nil || strings.Count(err.Error(), "\n") != maxFaults-1 || !strings.Contains(err.Error(), "data.csv:6: ") {
		t.Errorf("error %v: want %d lines", err, maxFaults)
	}
}

func TestOwnRefusesPlaces(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.csv"): "no such file or folder",
		dir:                            "an empty folder",
		"/dev/zero":                    "neither a file nor a folder",
	} {
		f := DefaultFiles()
		f.From = path
		if _, err := Load(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v: want one with %q", path, err, want)
		}
	}
}

// fuzzOwn loads whatever content a file of that name has.
func fuzzOwn(f *testing.F, name string, edit func(f *Files)) {
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		files := DefaultFiles()
		files.From = path
		if strings.HasSuffix(name, ".bin") || strings.HasSuffix(name, ".npy") {
			files.From = dir
		}
		if edit != nil {
			edit(&files)
		}
		own, err := Load(files)
		if err != nil {
			return
		}
		for split := range own.sets {
			for i := range own.sets[split].X {
				if beyond(own.sets[split].X[i]) {
					t.Fatalf("value %d of the %v split is %g", i, Split(split), own.sets[split].X[i])
				}
			}
			for _, label := range own.sets[split].Labels {
				if int(label) >= own.Classes {
					t.Fatalf("label %d of %d classes", label, own.Classes)
				}
			}
		}
	})
}

func FuzzOwnCSV(f *testing.F) {
	for _, c := range badTables(f) {
		if text := c.files["data.csv"]; len(text) < 1000 {
			f.Add(text)
		}
	}
	f.Add(csvOf(10))
	fuzzOwn(f, "data.csv", labelled)
}

func FuzzOwnNPZ(f *testing.F) {
	for _, c := range badArrays(f) {
		if text := c.files["d.npz"]; len(text) < 4000 {
			f.Add(text)
		}
	}
	fuzzOwn(f, "d.npz", func(f *Files) { f.Channels = "last" })
}

func FuzzOwnCIFAR(f *testing.F) {
	f.Add(make([]byte, 3073))
	f.Add(append(make([]byte, 2*3073), 1))
	fuzzOwn(f, "data_batch_1.bin", nil)
}

func FuzzOwnIDX(f *testing.F) {
	for _, c := range badImages(f) {
		if text := c.files["train-images-idx3-ubyte"]; len(text) < 4000 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		items, dims, err := decodeAnyIDX(bytes.NewReader(content), int64(len(content)), 1, 4)
		if err != nil {
			return
		}
		want := 1
		for _, d := range dims {
			want *= d
		}
		if len(items) != want {
			t.Fatalf("%d items of %d", len(items), dims)
		}
	})
}
