package datasets

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hepex/datasets/npy"
)

// bySplit are the names of the inputs and of what belongs to them.
func (a Arrays) bySplit() [2][2]string {
	return [2][2]string{Train: {a.XTrain, a.YTrain}, Test: {a.XTest, a.YTest}}
}

// npzFile is one archive of arrays.
type npzFile struct{}

func (npzFile) read(l located, f Files) (*raw, error) {
	path := l.files[Train][0]
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	names := f.Arrays.bySplit()
	arrays, err := npy.ReadNPZ(file, info.Size(), slices.Concat(names[Train][:], names[Test][:])...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f.join(arrays, func(name string) string { return path + ": " + name })
}

// npyFiles are a file for each array.
type npyFiles struct{}

func (npyFiles) read(l located, f Files) (*raw, error) {
	arrays := map[string]npy.Array{}
	for _, path := range l.paths() {
		a, err := readNPY(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		arrays[strings.TrimSuffix(filepath.Base(path), ".npy")] = a
	}
	return f.join(arrays, func(name string) string { return filepath.Join(f.From, name+".npy") })
}

func readNPY(path string) (npy.Array, error) {
	file, err := os.Open(path)
	if err != nil {
		return npy.Array{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return npy.Array{}, err
	}
	return npy.Read(file, info.Size())
}

// join makes splits of arrays. Where says in which file an array is, for errors.
func (f Files) join(arrays map[string]npy.Array, where func(name string) string) (*raw, error) {
	data := &raw{format: "NumPy"}
	names := f.Arrays.bySplit()
	have := func(name string) bool { _, ok := arrays[name]; return ok }
	xTrain, yTrain, xTest, yTest := names[Train][0], names[Train][1], names[Test][0], names[Test][1]
	data.split = have(xTest)
	for _, c := range []struct {
		missing bool
		name    string
	}{
		{!have(xTrain), xTrain},
		{!data.split && (have(yTest) || f.Arrays.XTest != DefaultFiles().Arrays.XTest), xTest},
		{!have(yTrain) && (have(yTest) || f.Arrays.YTrain != DefaultFiles().Arrays.YTrain), yTrain},
		{data.split && have(yTrain) && !have(yTest), yTest},
	} {
		if c.missing {
			return nil, fmt.Errorf("%s: no array %s: want those that data.arrays names, by default x_train, y_train, x_test, y_test", f.From, c.name)
		}
	}
	for split, pair := range names {
		if !have(pair[0]) {
			continue
		}
		x, y := arrays[pair[0]], arrays[pair[1]]
		if err := data.addArrays(Split(split), x, y, have(pair[1]), f, func(i int) string { return where(pair[i]) }); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// addArrays makes a split of inputs x and, if there is one, y. Where names their files.
func (data *raw) addArrays(split Split, x, y npy.Array, labelled bool, f Files, where func(i int) string) error {
	shape, err := gridOf(x.Shape, f.Channels)
	if err != nil {
		return fmt.Errorf("%s: %w", where(0), err)
	}
	levels := x.Type == npy.Uint8
	if split == Test && (shape != data.shape || levels != data.bytes) {
		return fmt.Errorf("%s: samples of %v, elements %s: want those of the training split, %v", where(0), shape, x.Type, data.shape)
	}
	data.shape, data.bytes = shape, levels
	p := part{place: func(sample int) string { return fmt.Sprintf("%s[%d]", where(0), sample) }}
	if p.x, err = floats(x, shape.Size(), where(0)); err != nil {
		return err
	}
	if f.Channels == "first" && len(x.Shape) == 4 {
		size := shape.Size()
		channelsFirst := slices.Clone(p.x)
		for i := 0; i < len(p.x); i += size {
			interleave(p.x[i:i+size], channelsFirst[i:i+size], shape.Channels)
		}
	}
	if labelled {
		if err := data.addY(&p, y, x.Shape[0], where(1)); err != nil {
			return err
		}
	}
	data.parts[split] = p
	return nil
}

// addY adds classes, if y has integers, or else what a regression should give.
func (data *raw) addY(p *part, y npy.Array, samples int, where string) (err error) {
	targets := 1
	if len(y.Shape) == 2 {
		targets = y.Shape[1]
	}
	if len(y.Shape) < 1 || len(y.Shape) > 2 || y.Shape[0] != samples || targets < 1 {
		return fmt.Errorf("%s: shape %v: want %d, one for each sample", where, y.Shape, samples)
	}
	p.place = func(sample int) string { return fmt.Sprintf("%s[%d]", where, sample) }
	if !y.Type.Integer() {
		if data.targets != 0 && data.targets != targets || data.parts[Train].labels != nil {
			return fmt.Errorf("%s: %d values for a sample, of type %s: want what the training split has", where, targets, y.Type)
		}
		data.targets = targets
		p.target, err = floats(y, targets, where)
		return err
	}
	if targets != 1 || data.targets != 0 {
		return fmt.Errorf("%s: integers of shape %v: want one class for each sample; what a regression should give is stored as floats", where, y.Shape)
	}
	labels, err := y.Int64s()
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	for _, label := range labels {
		p.labels = append(p.labels, int(max(math.MinInt32, min(label, math.MaxInt32)))) // what is beyond is refused anyway
	}
	return nil
}

// gridOf is the shape of a sample of an array of many: rows of values, or grids without or with channels.
func gridOf(shape []int, channels string) (Shape, error) {
	var s Shape
	switch len(shape) {
	case 2:
		s = Shape{1, 1, shape[1]}
	case 3:
		s = Shape{shape[1], shape[2], 1}
	case 4:
		switch channels {
		case "first":
			s = Shape{shape[2], shape[3], shape[1]}
		case "last":
			s = Shape{shape[1], shape[2], shape[3]}
		default:
			return s, fmt.Errorf("shape %v: want data.channels: first (samples, channels, height, width) or last", shape)
		}
	default:
		return s, fmt.Errorf("shape %v: want (samples, values), (samples, height, width), or one with channels", shape)
	}
	if min(s.Height, s.Width, s.Channels) < 1 {
		return s, fmt.Errorf("shape %v: want samples with at least one value", shape)
	}
	if shape[0] == 0 {
		return s, fmt.Errorf("shape %v: want at least one sample", shape)
	}
	return s, nil
}

// floats are the elements of an array of samples of so many values, where each is a number to compute with.
func floats(a npy.Array, size int, where string) ([]float32, error) {
	most := 0.0
	wide := a.Float64s()
	for i, v := range wide {
		if err := plausible(v); err != nil {
			return nil, fmt.Errorf("%s[%d]: value %d: %w; the wrong byte order?", where, i/size, i%size, err)
		}
		most = max(most, math.Abs(v))
	}
	if most > 0 && most < 1/largest {
		return nil, fmt.Errorf("%s: no value is larger than %g: the wrong byte order?", where, 1/largest)
	}
	values := make([]float32, len(wide))
	for i, v := range wide {
		values[i] = float32(v)
	}
	return values, nil
}
