package datasets

import (
	"fmt"
	"slices"
	"strconv"
)

// maxClasses is as many as labels of one byte tell apart.
const maxClasses = 256

// classify checks that classes are 0, 1, 2 … without gaps, each with a training sample. If the labels are numbers of names, these become
// the classes: by their value if all are whole numbers, else in the order of the alphabet; then it gives the names. Counts are the
// training samples of each class.
func classify(data *raw) (names []string, counts []int, err error) {
	if data.parts[Train].labels == nil {
		return nil, nil, nil
	}
	if data.names != nil {
		names = renumber(data)
	}
	name := func(label int) string {
		if names != nil {
			return fmt.Sprintf("%q", names[label])
		}
		return strconv.Itoa(label)
	}
	train := &data.parts[Train]
	for i, label := range train.labels {
		if label < 0 || label >= maxClasses {
			return nil, nil, fmt.Errorf("%s: label %d: want classes from 0 to %d; a regression has a target, and arrays of floats", train.place(i), label, maxClasses-1)
		}
		for label >= len(counts) {
			counts = append(counts, 0)
		}
		counts[label]++
	}
	last := len(counts) - 1
	switch class := slices.Index(counts, 0); {
	case class == 0:
		least := slices.Index(train.labels, slices.Min(train.labels))
		return nil, nil, fmt.Errorf("%s: labels run from %d to %d: want classes from 0", train.place(least), train.labels[least], last)
	case class > 0:
		return nil, nil, fmt.Errorf("%s: class %s has no training sample, but class %s has: want classes 0, 1, 2 … without gaps",
			train.place(slices.Index(train.labels, last)), name(class), name(last))
	case last == 0:
		return nil, nil, fmt.Errorf("%s: all training samples have class %s: want two classes or more", train.place(0), name(last))
	}
	test := &data.parts[Test]
	for i, label := range test.labels {
		if label < 0 || label > last {
			return nil, nil, fmt.Errorf("%s: class %s was never seen in training: want only classes of training samples", test.place(i), name(label))
		}
	}
	return names, counts, nil
}

// renumber replaces the numbers of names.
func renumber(data *raw) (names []string) {
	class := make([]int, len(data.names)) // by number of the name
	whole := true
	for i, name := range data.names {
		v, err := strconv.ParseInt(name, 10, 32)
		class[i] = int(v)
		whole = whole && err == nil
	}
	if !whole {
		names = slices.Sorted(slices.Values(data.names))
		for i, name := range data.names {
			class[i], _ = slices.BinarySearch(names, name)
		}
	}
	for split := range data.parts {
		for i, label := range data.parts[split].labels {
			data.parts[split].labels[i] = class[label]
		}
	}
	return names
}
