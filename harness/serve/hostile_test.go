package serve

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/packing"
)

// contents are the files of parties, to be put back after each test.
func contents(t *testing.T, paths ...string) func() {
	t.Helper()
	kept := map[string][]byte{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		check(t, err)
		kept[path] = b
	}
	return func() {
		t.Helper()
		for path, b := range kept {
			check(t, os.WriteFile(path, b, 0o644))
		}
	}
}

// edit rewrites a file.
func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	check(t, os.WriteFile(path, change(b), 0o644))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	check(t, err)
	check(t, os.WriteFile(to, b, 0o644))
}

// sealed is a file whose checksum is right, whatever it holds.
func sealed(b []byte) []byte {
	sum := sha256.Sum256(b[:len(b)-sha256.Size])
	return append(b[:len(b)-sha256.Size:len(b)-sha256.Size], sum[:]...)
}

// refused checks that there is an error about a file, that says something, and that no result is left.
func refused(t *testing.T, what string, err error, says, result string) {
	t.Helper()
	var file *Error
	if !errors.As(err, &file) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: error %v: want one about a file that says %q", what, err, says)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(result), "*")); err == nil {
		for _, path := range left {
			if path == result || strings.Contains(filepath.Base(path), "tmp-") {
				t.Errorf("%s: %s is left", what, path)
			}
		}
	}
}

// damages are what may happen to a file on its way.
var damages = map[string]struct {
	change func([]byte) []byte
	says   string
}{
	"first byte":   {func(b []byte) []byte { b[0] ^= 1; return b }, "not a file of hepex"},
	"an identity":  {func(b []byte) []byte { return bytes.Replace(b, []byte(`"model":"`), []byte(`"model":"0`), 1) }, ""},
	"middle":       {func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, "checksum"},
	"last byte":    {func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, "checksum"},
	"cut":          {func(b []byte) []byte { return b[:len(b)-1] }, "checksum"},
	"cut in half":  {func(b []byte) []byte { return b[:len(b)/2] }, ""},
	"cut in line":  {func(b []byte) []byte { return b[:20] }, "not a file of hepex"},
	"longer":       {func(b []byte) []byte { return append(b, 0) }, "checksum"},
	"more, sealed": {func(b []byte) []byte { return sealed(append(b, make([]byte, 8)...)) }, ""},
	"empty":        {func([]byte) []byte { return nil }, "not a file of hepex"},
	"version":      {func(b []byte) []byte { return bytes.Replace(b, []byte(`"version":1`), []byte(`"version":2`), 1) }, "version 2"},
	"text":         {func([]byte) []byte { return []byte("0.5 0.5\n") }, "not a file of hepex"},
}

func TestDamagedFilesAreRefused(t *testing.T) {
	for _, name := range []string{"one image, encrypted", "scalar"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newParties(t, newNetwork(t, 3, choices[name]), matrix(2))
			check(t, p.evaluate())
			outputs, err := os.ReadFile(p.outputs)
			check(t, err)
			files := []string{p.inputs}
			for _, file := range []string{PublicFile, KeysFile, ModelFile} {
				files = append(files, filepath.Join(p.server, file))
			}
			restore := contents(t, files...)
			for _, path := range files {
				for damage, d := range damages {
					check(t, os.RemoveAll(p.outputs))
					edit(t, path, d.change)
					refused(t, filepath.Base(path)+": "+damage, p.evaluate(), d.says, p.outputs)
					restore()
				}
				check(t, os.Remove(path))
				refused(t, filepath.Base(path)+" is gone", p.evaluate(), "no such file", p.outputs)
				restore()
			}
			for damage, d := range damages {
				check(t, os.WriteFile(p.outputs, d.change(bytes.Clone(outputs)), 0o644))
				_, err := p.decrypt()
				refused(t, "outputs: "+damage, err, d.says, "")
			}
		})
	}
}

func TestSwappedFilesAreRefused(t *testing.T) {
	choice := choices["one image, plain"]
	mine, other := newParties(t, newNetwork(t, 3, choice), matrix(2)), newParties(t, newNetwork(t, 4, choice), matrix(2))
	// Another client of the same network.
	hers := parties{mine.dir, mine.owner, filepath.Join(mine.dir, "hers"), filepath.Join(mine.dir, "for her"), filepath.Join(mine.dir, "her inputs"), ""}
	check(t, Keygen(hers.owner, hers.client, hers.server))
	hers.encrypt(t, matrix(2))
	in := func(dir, file string) string { return filepath.Join(dir, file) }
	restore := contents(t, mine.inputs, in(mine.server, PublicFile), in(mine.server, KeysFile), in(mine.server, ModelFile))
	for _, c := range []struct{ what, from, to, says string }{
		{"keys of another client", in(hers.server, KeysFile), in(mine.server, KeysFile), "another client's"},
		{"inputs of another client", hers.inputs, mine.inputs, "another client's"},
		{"inputs for another network", other.inputs, mine.inputs, "belongs to network"},
		{"another network's keys", in(other.server, KeysFile), in(mine.server, KeysFile), "belongs to network"},
		{"another network's model", in(other.server, ModelFile), in(mine.server, ModelFile), "belongs to network"},
		{"another network's public file", in(other.server, PublicFile), in(mine.server, PublicFile), "belongs to network"},
		{"the model as keys", in(mine.server, ModelFile), in(mine.server, KeysFile), "holds model: want keys"},
		{"keys as the model", in(mine.server, KeysFile), in(mine.server, ModelFile), "holds keys: want model"},
		{"keys as inputs", in(mine.server, KeysFile), mine.inputs, "holds keys: want inputs"},
		{"a secret key", in(mine.client, SecretFile), in(mine.server, SecretFile), "secret in the server's folder"},
		{"a secret key by another name", in(mine.client, SecretFile), in(mine.server, "notes.txt"), "notes.txt: a secret in the server's folder"},
	} {
		copyFile(t, c.from, c.to)
		refused(t, c.what, mine.evaluate(), c.says, mine.outputs)
		restore()
		check(t, os.RemoveAll(in(mine.server, SecretFile)))
	}
	check(t, os.Remove(in(mine.server, "notes.txt")))
	check(t, mine.evaluate())
	hers.outputs = mine.outputs
	_, err := hers.decrypt()
	refused(t, "outputs of another client", err, "another client's", "")
	mine.outputs = mine.inputs
	_, err = mine.decrypt()
	refused(t, "inputs as outputs", err, "holds inputs: want outputs", "")
}

// With encrypted weights the server must not see the network either, and the model is of one client.
func TestEncryptedWeightsStayTheClients(t *testing.T) {
	n := newNetwork(t, 3, choices["one image, encrypted"])
	p, other := newParties(t, n, matrix(1)), newParties(t, n, matrix(1))
	restore := contents(t, filepath.Join(p.server, ModelFile))
	copyFile(t, filepath.Join(other.server, ModelFile), filepath.Join(p.server, ModelFile))
	refused(t, "another client's model", p.evaluate(), "another client's", p.outputs)
	restore()
	copyFile(t, filepath.Join(p.owner, NetworkFile), filepath.Join(p.server, NetworkFile))
	refused(t, "the network", p.evaluate(), "secret in the server's folder", p.outputs)
	check(t, os.Remove(filepath.Join(p.server, NetworkFile)))
	check(t, os.Symlink(filepath.Join(p.owner, NetworkFile), filepath.Join(p.server, "link")))
	refused(t, "a link to the network", p.evaluate(), "link: a secret in the server's folder", p.outputs)
	check(t, os.Remove(filepath.Join(p.owner, NetworkFile)))
	err := Keygen(p.owner, filepath.Join(p.dir, "third"), filepath.Join(p.dir, "fourth"))
	refused(t, "no network to encrypt", err, "no such file", filepath.Join(p.dir, "third"))
}

// An honest header around anything else is an error too.
func TestForgedContents(t *testing.T) {
	p := newParties(t, newNetwork(t, 3, choices["one image, plain"]), matrix(1))
	restore := contents(t, p.inputs, filepath.Join(p.server, PublicFile))
	for _, samples := range []string{"0", "-1", "2", "1000000000000"} {
		edit(t, p.inputs, func(b []byte) []byte {
			return sealed(bytes.Replace(b, []byte(`"samples":1`), []byte(`"samples":`+samples), 1))
		})
		refused(t, samples+" samples", p.evaluate(), "", p.outputs)
		restore()
	}
	for _, c := range [][2]string{
		{`"log_n":`, `"log_n":1`}, {`"inputs":`, `"inputs":-`}, {`"geometry":[`, `"geometry":[],"x":[`}, {`"Kind":"one-image"`, `"Kind":"two"`},
		{`"log_q":[`, `"log_q":[60,60,60,`}, {`"packing":`, `"packing":9`},
	} {
		edit(t, filepath.Join(p.server, PublicFile), func(b []byte) []byte {
			changed := bytes.Replace(b, []byte(c[0]), []byte(c[1]), 1)
			if bytes.Equal(changed, b) {
				t.Fatalf("no %s in %s", c[0], b)
			}
			return sealed(changed)
		})
		refused(t, c[1], p.evaluate(), "", p.outputs)
		restore()
	}
}

// A file without a batch is refused, even if it says that it has so many samples that their number overflows when it is rounded up.
func TestBatchesThatAreNot(t *testing.T) {
	p := newParties(t, newNetwork(t, 3, choices["scalar"]), matrix(1))
	for _, samples := range []string{"1", "9223372036854775807"} {
		edit(t, p.inputs, func(b []byte) []byte {
			line := fmt.Sprintf("%s\n", b[:bytes.IndexByte(b, '\n')])
			line = strings.Replace(line, `"samples":1`, `"samples":`+samples, 1)
			return sealed(append([]byte(line), make([]byte, sha256.Size)...))
		})
		refused(t, samples+" samples", p.evaluate(), "EOF", p.outputs)
		p.encrypt(t, matrix(1))
	}
}

func TestSamples(t *testing.T) {
	p := newParties(t, newNetwork(t, 3, packing.OneImageIn(4096, false)), matrix(1))
	c, err := OpenClient(p.client)
	check(t, err)
	path := filepath.Join(p.dir, "samples.txt")
	good := strings.TrimSpace(strings.Repeat("0.25 ", inputs))
	read := func(text string) ([][]float64, error) {
		check(t, os.WriteFile(path, []byte(text), 0o644))
		return c.Samples(path)
	}
	for name, text := range map[string]string{
		"spaces": good + "\n" + good, "commas": strings.ReplaceAll(good, " ", ",") + "\n" + good + "\n", "Windows": good + "\r\n" + good + "\r\n",
		"byte order mark": "\ufeff" + good + "\n" + good, "a comma at the end": strings.ReplaceAll(good, " ", ",") + ",\n" + good, "commas and spaces": strings.ReplaceAll(good, " ", ", ") + "\n" + good,
	} {
		x, err := read(text)
		if err != nil || len(x) != 2 || x[1][inputs-1] != 0.25 {
			t.Errorf("%s: %v, %v", name, x, err)
		}
	}
	for name, bad := range map[string]struct{ text, says string }{
		"few":    {good + "\n" + good[5:], "samples.txt:2: 19 values: want 20"},
		"many":   {good + " 0\n", "samples.txt:1: 21 values: want 20"},
		"blank":  {good + "\n\n" + good, "samples.txt:2: 0 values"},
		"NaN":    {"NaN" + good[4:], "samples.txt:1: value 1: NaN: want a finite number"},
		"inf":    {"-Inf" + good[4:], "finite"},
		"word":   {"zero" + good[4:], `value 1: "zero" is not a number`},
		"pixels": {"255" + good[4:], "made for values from 0 to 1"},
		"below":  {"-1.1" + good[4:], "made for values from 0 to 1"},
		"empty":  {"", "no samples"},
		"hole":   {"0.25,," + strings.ReplaceAll(good[10:], " ", ","), "samples.txt:1: value 2 is missing"},
		"end":    {strings.ReplaceAll(good, " ", ",") + ",,", "samples.txt:1: 21 values: want 20"},
		"binary": {"\x00\xff\x80", "1 values"},
	} {
		_, err := read(bad.text)
		refused(t, name, err, bad.says, "")
	}
	_, err = c.Samples(p.dir)
	refused(t, "a folder", err, "want a text file", "")
	x, err := read(good)
	check(t, err)
	kept := filepath.Join(p.dir, "samples.hepex")
	check(t, c.WriteSamples(x, kept))
	again, err := c.ReadSamples(kept)
	if err != nil || fmt.Sprint(again) != fmt.Sprint(x) {
		t.Errorf("kept samples are %v, %v", again, err)
	}
	edit(t, kept, func(b []byte) []byte { b[len(b)-40] ^= 0x40; return b })
	_, err = c.ReadSamples(kept)
	refused(t, "kept samples", err, "checksum", "")
}
