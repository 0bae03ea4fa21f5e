package datasets

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a table, and the number of faults after which the search for more ends.
const (
	maxLine    = 1 << 20 // bytes
	maxColumns = 1 << 14
	maxFaults  = 5
)

// csvFiles are tables in text (RFC 4180): a line of names, then a sample in each line, whose cells are numbers but for the label.
type csvFiles struct{}

func (csvFiles) read(l located, f Files) (*raw, error) {
	data := &raw{format: "CSV", split: l.files[Test] != nil}
	t := table{f: f, codes: map[string]int{}}
	for split, paths := range l.files {
		for _, path := range paths {
			p, err := t.read(path)
			if err != nil {
				return nil, err
			}
			data.parts[split] = p
		}
	}
	if data.split && (len(data.parts[Test].x) == 0) {
		return nil, fmt.Errorf("%s: no samples after the line of names: want at least one", l.files[Test][0])
	}
	data.columns, data.targets, data.names = t.inputs, len(f.Target), t.names
	data.shape = Shape{1, 1, len(t.inputs)}
	return data, nil
}

// table reads the files of a data set, whose columns must be the same.
type table struct {
	f      Files
	header []string // names of columns
	inputs []string
	use    []int // of each column: inputs, or what makes it no input

	codes map[string]int // numbers of the labels, by their text
	names []string       // … and the texts
}

// What a column is, if it is no input. Target i is targetColumn + i.
const (
	inputColumn = -2
	labelColumn = -1

	targetColumn = 0
)

// lines reads a text file line by line.
type lines struct {
	*bufio.Scanner
	path string
	at   int // number of the line, from 1
	cell *bufio.Reader
}

func (l *lines) next() bool {
	l.at++
	return l.Scan()
}

func (l *lines) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", l.path, l.at, fmt.Sprintf(format, args...))
}

// cells takes the line apart. Texts in quotes may hold commas, but no line feeds.
func (l *lines) cells() ([]string, error) {
	line := l.Text()
	if l.at == 1 {
		line = strings.TrimPrefix(line, "\ufeff") // as spreadsheets begin their files
	}
	if !utf8.ValidString(line) || strings.ContainsFunc(line, func(c rune) bool { return unicode.IsControl(c) && c != '\t' }) {
		return nil, l.errorf("not text in UTF-8: want a CSV file")
	}
	if !strings.Contains(line, `"`) {
		return strings.Split(line, ","), nil
	}
	l.cell.Reset(strings.NewReader(line))
	cells, err := csv.NewReader(l.cell).Read()
	if err != nil {
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			err = syntax.Err
		}
		return nil, l.errorf("%v: want cells between commas, in quotes that are closed in the same line if they hold commas", err)
	}
	return cells, nil
}

// read reads one file. Several faults are reported together.
func (t *table) read(path string) (p part, err error) {
	file, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer file.Close()
	l := &lines{Scanner: bufio.NewScanner(file), path: path, cell: bufio.NewReader(nil)}
	l.Buffer(nil, maxLine)
	if err := t.readHeader(l); err != nil {
		return p, err
	}
	var faults []error
	var at []int // line of each sample
	for l.next() {
		if strings.TrimSpace(l.Text()) == "" {
			continue
		}
		if err := t.readRow(l, &p); err != nil {
			if faults = append(faults, err); len(faults) == maxFaults {
				break
			}
			continue
		}
		at = append(at, l.at)
	}
	if err := l.Err(); err != nil {
		faults = append(faults, l.errorf("%v: want lines of at most %d bytes", err, maxLine))
	}
	p.place = func(sample int) string { return fmt.Sprintf("%s:%d", path, at[sample]) }
	return p, errors.Join(faults...)
}

// readHeader reads the names of columns and says what each is.
func (t *table) readHeader(l *lines) error {
	if !l.next() {
		if err := l.Err(); err != nil {
			return l.errorf("%v: want lines of at most %d bytes", err, maxLine)
		}
		return l.errorf("the file is empty: want a line of names, then a sample in each line")
	}
	names, err := l.cells()
	if err != nil {
		return err
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	if t.header != nil {
		if !slices.Equal(names, t.header) {
			return l.errorf("other columns than the training split has: want %s", clip(strings.Join(t.header, ",")))
		}
		return nil
	}
	if len(names) > maxColumns {
		return l.errorf("%d columns: want at most %d", len(names), maxColumns)
	}
	if err := checkNames(names); err != nil {
		return l.errorf("%v", err)
	}
	t.header, t.use = names, slices.Repeat([]int{inputColumn}, len(names))
	wanted := slices.Clone(t.f.Target)
	if t.f.Label != "" {
		wanted = append(wanted, t.f.Label)
	}
	for i, name := range wanted {
		column := slices.Index(names, name)
		switch {
		case column < 0:
			return l.errorf("no column %q: want one of %s", name, clip(strings.Join(names, ", ")))
		case t.use[column] != inputColumn:
			return l.errorf("column %q is named twice: want a label, or targets that differ", name)
		case name == t.f.Label:
			t.use[column] = labelColumn
		default:
			t.use[column] = targetColumn + i
		}
	}
	for i, name := range names {
		if t.use[i] == inputColumn {
			t.inputs = append(t.inputs, name)
		}
	}
	if len(t.inputs) == 0 {
		return l.errorf("no column is left for inputs: want at least one beside label and target; is the separator a comma?")
	}
	return nil
}

// checkNames refuses a first line that has no names, as it would be taken for them.
func checkNames(names []string) error {
	numbers := 0
	for i, name := range names {
		if name == "" {
			return fmt.Errorf("column %d has no name: want one for each column in the first line", i+1)
		}
		if slices.Index(names, name) < i {
			return fmt.Errorf("column %q is there twice: want each name once", name)
		}
		if _, err := strconv.ParseFloat(name, 64); err == nil {
			numbers++
		}
	}
	if numbers == len(names) {
		return errors.New("the first line holds numbers only: want the names of the columns")
	}
	return nil
}

// readRow adds the sample of a line to a part, or nothing.
func (t *table) readRow(l *lines, p *part) error {
	cells, err := l.cells()
	if err != nil {
		return err
	}
	if len(cells) != len(t.header) {
		return l.errorf("%d cells: want %d, as the first line has names", len(cells), len(t.header))
	}
	inputs, targets := len(p.x), len(p.target)
	label := -1
	p.target = append(p.target, make([]float32, len(t.f.Target))...)
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if t.use[i] == labelColumn {
			label, err = t.code(cell)
		} else {
			var v float32
			v, err = number(cell)
			if t.use[i] == inputColumn {
				p.x = append(p.x, v)
			} else {
				p.target[targets+t.use[i]-targetColumn] = v
			}
		}
		if err != nil {
			p.x, p.target = p.x[:inputs], p.target[:targets]
			return l.errorf("column %q: %v", t.header[i], err)
		}
	}
	if t.f.Label != "" {
		p.labels = append(p.labels, label)
	}
	return nil
}

// code is the number of a label, by its first appearance.
func (t *table) code(text string) (int, error) {
	if text == "" {
		return 0, errors.New("an empty cell: want a class")
	}
	code, known := t.codes[text]
	if !known {
		if len(t.names) == maxClasses {
			return 0, fmt.Errorf("%q is the class number %d: want at most %[3]d classes; numbers that a regression should give are a target", clip(text), maxClasses+1, maxClasses)
		}
		code = len(t.names)
		text = strings.Clone(text) // not the line
		t.codes[text], t.names = code, append(t.names, text)
	}
	return code, nil
}

// largest is the largest value that an input or target may have. Numbers in the wrong byte order are beyond it, or all but zero.
const largest = 1e30

// number reads a cell.
func number(cell string) (float32, error) {
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case cell == "":
		return 0, errors.New("an empty cell: want a number")
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is too large: want numbers up to %g", clip(cell), largest)
	case err != nil:
		return 0, fmt.Errorf("%q is no number: want one, such as 1 or -2.5e3; categories are written as columns of 0 and 1", clip(cell))
	}
	return float32(v), plausible(v)
}

// plausible wants a number that can be computed with.
func plausible(v float64) error {
	switch {
	case math.IsNaN(v):
		return errors.New("NaN: want a number")
	case math.IsInf(v, 0):
		return errors.New("infinite: want a number")
	case math.Abs(v) > largest:
		return fmt.Errorf("%g is too large: want numbers up to %g", v, largest)
	}
	return nil
}

// clip shortens what is quoted in a message.
func clip(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
