package serve

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
)

// longestSample bounds a line of text, in bytes.
const longestSample = 1 << 26

// Samples reads a text file of inputs: a line for each sample, whose numbers are separated by spaces, tabs or commas. Another number of
// inputs than the network has, what is not a finite number, and values beyond what the network was made for are errors that
// say where.
func (c *Client) Samples(path string) ([][]float64, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrong(path, "no such file")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, wrong(path, "a folder: want a text file with a line for each sample")
	}
	var samples [][]float64
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, longestSample)
	for lines.Scan() {
		line := lines.Text()
		if len(samples) == 0 {
			line = strings.TrimPrefix(line, "\ufeff") // as some programs begin a file
		}
		x, err := c.parse(line)
		if err != nil {
			return nil, wrong(fmt.Sprintf("%s:%d", path, len(samples)+1), "%w", err)
		}
		samples = append(samples, x)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, wrong(fmt.Sprintf("%s:%d", path, len(samples)+1), "a line of more than %d bytes", longestSample)
	case err != nil:
		return nil, err
	case len(samples) == 0:
		return nil, wrong(path, "no samples")
	}
	return samples, nil
}

func (c *Client) parse(line string) ([]float64, error) {
	line = strings.TrimSuffix(strings.TrimSpace(line), ",")
	commas := strings.Contains(line, ",")
	var words []string // an empty one between two commas
	for cell := range strings.SplitSeq(line, ",") {
		if between := strings.Fields(cell); len(between) > 0 {
			words = append(words, between...)
		} else if commas {
			words = append(words, "")
		}
	}
	if len(words) != c.Outline.Inputs {
		return nil, fmt.Errorf("%d values: want %d", len(words), c.Outline.Inputs)
	}
	x := make([]float64, len(words))
	for i, word := range words {
		if word == "" {
			return nil, fmt.Errorf("value %d is missing", i+1)
		}
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, fmt.Errorf("value %d: %q is not a number", i+1, word)
		}
		if err := c.check(v); err != nil {
			return nil, fmt.Errorf("value %d: %w", i+1, err)
		}
		x[i] = v
	}
	return x, nil
}

// check refuses what would come out wrong without a sign of it: values may exceed what the network was made for by as much as its whole
// range, but no more.
func (u Usage) check(v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%g: want a finite number", v)
	}
	if room := u.High - u.Low; v < u.Low-room || v > u.High+room {
		return fmt.Errorf("%g: the network was made for values from %g to %g; are they scaled as its training data were?", v, u.Low, u.High)
	}
	return nil
}

// WriteSamples keeps samples that were read for later.
func (c *Client) WriteSamples(samples [][]float64, path string) error {
	return write(path, header{Kind: kindSamples, Model: c.id, Samples: len(samples)}, func(w io.Writer) error {
		var b [8]byte
		for _, x := range samples {
			for _, v := range x {
				binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
				if _, err := w.Write(b[:]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// ReadSamples reads what WriteSamples wrote.
func (c *Client) ReadSamples(path string) (samples [][]float64, err error) {
	f, err := open(path, kindSamples)
	if err != nil {
		return nil, err
	}
	err = f.read(func(r io.Reader) error {
		if err := f.of(c.id, ""); err != nil {
			return err
		}
		b := make([]byte, 8*c.Outline.Inputs)
		for sample := range f.Samples {
			if _, err := io.ReadFull(r, b); err != nil {
				return err
			}
			x := make([]float64, c.Outline.Inputs)
			for i := range x {
				x[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
				if err := c.check(x[i]); err != nil {
					return fmt.Errorf("sample %d, value %d: %w", sample+1, i+1, err)
				}
			}
			samples = append(samples, x)
		}
		return nil
	})
	return samples, err
}
