package serve

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"hepex/harness/atomicfile"
)

// Error says which file is not what it should be.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func wrong(path, format string, args ...any) error { return &Error{path, fmt.Errorf(format, args...)} }

// kind is what a file holds.
type kind string

const (
	kindNetwork kind = "network"
	kindPublic  kind = "public"
	kindSecret  kind = "secret"
	kindKeys    kind = "keys"
	kindModel   kind = "model"
	kindSamples kind = "samples"
	kindInputs  kind = "inputs"
	kindOutputs kind = "outputs"
)

// counts tells whether such files hold samples.
func (k kind) counts() bool { return k == kindSamples || k == kindInputs || k == kindOutputs }

// version is that of all file formats.
const version = 1

// header is the first line of a file.
type header struct {
	Kind    kind   `json:"hepex"`
	Version int    `json:"version"`
	Model   string `json:"model,omitempty"`   // the network's identity
	Keys    string `json:"keys,omitempty"`    // that of the set of keys
	Samples int    `json:"samples,omitempty"` // of inputs and outputs
}

// longestHeader bounds the first line.
const longestHeader = 1 << 10

// write makes a file of a header and a content.
func write(path string, h header, content func(io.Writer) error) error {
	h.Version = version
	line, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	writeWith := atomicfile.WriteWith
	if h.Kind == kindSecret {
		writeWith = atomicfile.WritePrivateWith
	}
	return writeWith(path, func(w io.Writer) error {
		sum := sha256.New()
		out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<18)
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
		if err := content(out); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		_, err := w.Write(sum.Sum(nil))
		return err
	})
}

// file is one that is being read.
type file struct {
	header
	path string
	f    *os.File
	sum  hash.Hash
	in   *bufio.Reader // the content, which is hashed as it is read
}

// open reads the first line of a file that should be of a kind.
func open(path string, want kind) (*file, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, wrong(path, "no such file")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular(): // to open a pipe would wait for somebody to write
		return nil, wrong(path, "not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := &file{path: path, f: f, sum: sha256.New()}
	if err := in.begin(info.Size(), want); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return in, nil
}

// begin reads the first line of a file of so many bytes.
func (f *file) begin(length int64, want kind) error {
	start := make([]byte, min(longestHeader, length))
	if _, err := io.ReadFull(f.f, start); err != nil {
		return err
	}
	line, _, found := bytes.Cut(start, []byte("\n"))
	if !found || json.Unmarshal(line, &f.header) != nil || f.Kind == "" {
		return wrong(f.path, "not a file of hepex")
	}
	switch {
	case f.Version != version:
		return wrong(f.path, "file version %d: this hepex reads version %d", f.Version, version)
	case f.Kind != want:
		return wrong(f.path, "holds %s: want %s", f.Kind, want)
	case f.Kind.counts() && f.Samples < 1:
		return wrong(f.path, "%d samples: want at least 1", f.Samples)
	}
	first := int64(len(line) + 1)
	size := length - first - sha256.Size
	if size < 0 {
		return f.damaged()
	}
	if _, err := f.f.Seek(first, io.SeekStart); err != nil {
		return err
	}
	f.sum.Write(start[:first])
	f.in = bufio.NewReaderSize(io.TeeReader(io.LimitReader(f.f, size), f.sum), 1<<18)
	return nil
}

func (f *file) damaged() error {
	return wrong(f.path, "damaged or incomplete: the checksum does not match")
}

// of returns an error unless the file is of a network and, if it says, of a set of keys.
func (f *file) of(model, keys string) error {
	if f.Model != model {
		return wrong(f.path, "belongs to network %s: want one of network %s", f.Model, model)
	}
	if keys != "" && f.Keys != keys {
		return wrong(f.path, "belongs to the set of keys %s: want one of %s; another client's, or of keys drawn before", f.Keys, keys)
	}
	return nil
}

// finish reads the content to its end, if decoding left anything, checks the checksum and closes the file. What went wrong in decoding
// counts only if the file is not damaged.
func (f *file) finish(decode error) error {
	defer f.f.Close()
	left, err := io.Copy(io.Discard, f.in)
	if err != nil {
		return err
	}
	want := make([]byte, sha256.Size)
	if _, err := io.ReadFull(f.f, want); err != nil {
		return f.damaged()
	}
	switch {
	case !bytes.Equal(f.sum.Sum(nil), want):
		return f.damaged()
	case decode != nil:
		var told *Error
		var system *fs.PathError
		if errors.As(decode, &told) || errors.As(decode, &system) { // a full disk is no fault of the file
			return decode
		}
		return &Error{f.path, decode}
	case left > 0:
		return wrong(f.path, "%d bytes more than it should have", left)
	}
	return nil
}

// read decodes the content and finishes.
func (f *file) read(decode func(io.Reader) error) error { return f.finish(decode(f.in)) }
