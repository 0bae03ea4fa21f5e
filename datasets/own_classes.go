package datasets

import (
	"fmt"
	"slices"
	"strconv"
)

// maxClasses is as many as labels of one byte tell apart.
const maxClasses = 256

// classify checks that classes are 0, 1, 2 … without gaps, each with a training sample. If the labels are numbers of names, these become
// the classes: by their value if all are whole numbers, else in the order of the alphabet; then it gives the names.
func classify(data *raw) (names []string, err error) {
	if data.parts[Train].labels == nil {
		return nil, nil
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
	counts := map[int]int{}
	train := &data.parts[Train]
	for i, label := range train.labels {
		if label < 0 || label >= maxClasses {
			return nil, fmt.Errorf("%s: label %d: want classes from 0 to %d; a regression has a target, and arrays of floats", train.place(i), label, maxClasses-1)
		}
		counts[label]++
	}
	last := slices.Max(train.labels)
	for class := range last + 1 {
		switch {
		case counts[class] > 0:
		case class == 0:
			least := slices.Index(train.labels, slices.Min(train.labels))
			return nil, fmt.Errorf("%s: labels run from %d to %d: want classes from 0", train.place(least), train.labels[least], last)
		default:
			return nil, fmt.Errorf("%s: class %s has no training sample, but class %s has: want classes 0, 1, 2 … without gaps",
				train.place(slices.Index(train.labels, last)), name(class), name(last))
		}
	}
	if len(counts) < 2 {
		return nil, fmt.Errorf("%s: all training samples have class %s: want two classes or more", train.place(0), name(last))
	}
	test := &data.parts[Test]
	for i, label := range test.labels {
		if counts[label] == 0 {
			return nil, fmt.Errorf("%s: class %s was never seen in training: want only classes of training samples", test.place(i), name(label))
		}
	}
	return names, nil
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
