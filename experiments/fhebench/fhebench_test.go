package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/datasets"
	"hepex/harness/serve"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// suite stands in for a checkout of the suite: its folders, and its driver.
type suite struct {
	t   *testing.T
	dir string
}

// install has the script put the submission, with some of the networks, into an empty checkout.
func install(t *testing.T, networks string) suite {
	t.Helper()
	s := suite{t, t.TempDir()}
	for _, folder := range []string{"harness", "scripts", "submission/src"} {
		check(t, os.MkdirAll(filepath.Join(s.dir, folder), 0o755))
	}
	script := exec.Command("../../scripts/fhebench.sh", s.dir)
	script.Env = append(os.Environ(), "NETWORK="+networks)
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("fhebench.sh: %v\n%s", err, out)
	}
	return s
}

func (s suite) path(name string) string { return filepath.Join(s.dir, name) }

// order is how the driver starts stages.
var order = []string{
	"client_key_generation", preprocessModel, "client_preprocess_input", "client_encode_encrypt_input", "server_encrypted_compute",
	"client_decrypt_decode", "client_postprocess",
}

// start starts a stage as a process of its own.
func (s suite) start(stage string, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.path("submission/build/"+stage), args...)
	cmd.Dir = s.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// run does stages of a size until one fails.
func (s suite) run(size int, stages []string) (code int, stdout, stderr string) {
	for _, stage := range stages {
		args := []string{fmt.Sprint(size)}
		if stage == preprocessModel {
			args = nil
		}
		var out string
		code, out, stderr = s.start(stage, args...)
		if stdout += out; code != 0 {
			return code, stdout, stderr
		}
	}
	return 0, stdout, ""
}

// pixelFile is where the suite leaves images.
func (s suite) pixelFile(size int) string {
	return s.path(filepath.Join("datasets", names[size], "intermediate", "test_pixels.txt"))
}

func (s suite) writePixels(size int, text string) {
	s.t.Helper()
	check(s.t, os.MkdirAll(filepath.Dir(s.pixelFile(size)), 0o755))
	check(s.t, os.WriteFile(s.pixelFile(size), []byte(text), 0o644))
}

func (s suite) predictions(size int) string {
	return s.path(filepath.Join("io", names[size], "encrypted_model_predictions.txt"))
}

// images are drawn digits, with what the plain network makes of each. Those whose best scores differ by less than the precision that
// networks promise are left out.
func (s suite) images(size, n int) (text, labels string) {
	s.t.Helper()
	network, err := serve.ReadNetwork(s.path("submission/build/" + networks[min(size, 1)]))
	check(s.t, err)
	source, err := datasets.Open("digits", nil)
	check(s.t, err)
	drawn := 2 * n
	set, err := source.Read(datasets.Test, 0, drawn)
	check(s.t, err)
	x := mat.NewDense(drawn, set.Dim, nil)
	for i, v := range set.X {
		x.Set(i/set.Dim, i%set.Dim, float64(v))
	}
	y := network.Choice.Evaluated(network.Folded).Forward(x)
	var pixels, want strings.Builder
	for i := 0; i < drawn && n > 0; i++ {
		scores := slices.Sorted(slices.Values(y.RawRowView(i)))
		best, second := scores[len(scores)-1], scores[len(scores)-2]
		if best-second < math.Exp2(-8)*math.Max(best, -scores[0]) {
			continue
		}
		n--
		fmt.Fprintln(&pixels, strings.Trim(fmt.Sprint(x.RawRowView(i)), "[]"))
		fmt.Fprintln(&want, serve.Labels([][]float64{y.RawRowView(i)})[0])
	}
	return pixels.String(), want.String()
}

// Every prediction is the plain network's, for as many images as the file has.
func TestSubmission(t *testing.T) {
	s := install(t, "fast")
	for size, n := range []int{1, 15, 100} {
		t.Run(names[size], func(t *testing.T) {
			pixels, want := s.images(size, n)
			s.writePixels(size, pixels)
			code, stdout, stderr := s.run(size, order)
			if code != 0 {
				t.Fatalf("exit code %d, %s", code, stderr)
			}
			if !strings.Contains(stdout, "[server] loading") || !strings.Contains(stdout, "encrypted computation") {
				t.Errorf("the server says %q", stdout)
			}
			got, err := os.ReadFile(s.predictions(size))
			check(t, err)
			if string(got) != want || strings.Count(want, "\n") != n {
				t.Errorf("predictions %q: want %d, %q", got, n, want)
			}
			upload := int64(200e6)
			if size == 0 {
				upload = 3e6
			}
			for folder, most := range map[string]int64{"public_keys": 60e6, "ciphertexts_upload": upload, "ciphertexts_download": 3e6} {
				if n := s.bytes(filepath.Join("io", names[size], folder)); n == 0 || n > most {
					t.Errorf("%s: %d bytes: want at most %d", folder, n, most)
				}
			}
		})
	}
	t.Run("hostile", func(t *testing.T) { s.hostile(t) })
}

// The more accurate network does what the plain one does, too.
func TestAccurateSubmission(t *testing.T) {
	s := install(t, "accurate")
	pixels, want := s.images(0, 2)
	s.writePixels(0, pixels)
	if code, _, stderr := s.run(0, order); code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	if got, err := os.ReadFile(s.predictions(0)); err != nil || string(got) != want {
		t.Errorf("predictions %q, %v: want %q", got, err, want)
	}
}

// bytes is the size of all files in a folder.
func (s suite) bytes(folder string) (n int64) {
	s.t.Helper()
	check(s.t, filepath.Walk(s.path(folder), func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			n += info.Size()
		}
		return err
	}))
	return n
}

// hostile spoils files between stages of a size that went well before: the next stage that sees them ends with an error, and no predictions are
// left if the driver goes on in spite of it.
func (s suite) hostile(t *testing.T) {
	pixels, _ := s.images(0, 1)
	io := func(name string) string { return s.path(filepath.Join("io", names[0], name)) }
	change := func(path string, f func([]byte) []byte) {
		b, err := os.ReadFile(path)
		check(t, err)
		check(t, os.WriteFile(path, f(b), 0o644))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	flip := func(b []byte) []byte { b[rng.IntN(len(b))] ^= 1; return b }
	cut := func(b []byte) []byte { return b[:rng.IntN(len(b))] }
	for _, c := range []struct {
		what  string
		after int // stages
		spoil func()
	}{
		{"no images", 2, func() { s.writePixels(0, "") }},
		{"a pixel less", 2, func() { s.writePixels(0, pixels[strings.Index(pixels, " "):]) }},
		{"a pixel more", 2, func() { s.writePixels(0, "0 "+pixels) }},
		{"a pixel that is no number", 2, func() { s.writePixels(0, "NaN"+pixels[strings.Index(pixels, " "):]) }},
		{"pixels up to 255", 2, func() { s.writePixels(0, "255"+pixels[strings.Index(pixels, " "):]) }},
		{"inputs damaged", 4, func() { change(io("ciphertexts_upload/inputs.hepex"), flip) }},
		{"inputs cut", 4, func() { change(io("ciphertexts_upload/inputs.hepex"), cut) }},
		{"keys damaged", 4, func() { change(io("public_keys/keys.hepex"), flip) }},
		{"keys cut", 4, func() { change(io("public_keys/keys.hepex"), cut) }},
		{"model damaged", 4, func() { change(s.path("submission/build/single/model.hepex"), flip) }},
		{"the model of the other network", 4, func() {
			b, err := os.ReadFile(s.path("submission/build/batch/model.hepex"))
			check(t, err)
			change(s.path("submission/build/single/model.hepex"), func([]byte) []byte { return b })
		}},
		{"a secret key at the server", 4, func() { check(t, os.Link(io("secret_key/secret.hepex"), io("public_keys/x"))) }},
		{"keys drawn after encryption", 4, func() { s.run(0, order[:1]) }},
		{"outputs damaged", 5, func() { change(io("ciphertexts_download/outputs.hepex"), flip) }},
		{"inputs as outputs", 5, func() {
			check(t, os.Rename(io("ciphertexts_upload/inputs.hepex"), io("ciphertexts_download/outputs.hepex")))
		}},
		{"scores gone", 6, func() { check(t, os.Remove(io("intermediate/scores.csv"))) }},
		{"no scores", 6, func() { change(io("intermediate/scores.csv"), func([]byte) []byte { return nil }) }},
		{"scores cut", 6, func() { change(io("intermediate/scores.csv"), func([]byte) []byte { return []byte("1,x\n") }) }},
	} {
		check(t, os.RemoveAll(s.path("io/single")))
		s.writePixels(0, pixels)
		if code, _, stderr := s.run(0, order[:c.after]); code != 0 {
			t.Fatalf("%s: exit code %d before, %s", c.what, code, stderr)
		}
		check(t, os.WriteFile(s.predictions(0), []byte("7\n"), 0o644)) // of an earlier run
		c.spoil()
		code, _, stderr := s.start(order[c.after], "0")
		if code != 2 || !strings.HasPrefix(stderr, order[c.after]+": ") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q", c.what, code, stderr)
		}
		for _, stage := range order[c.after+1:] {
			s.start(stage, "0")
		}
		if _, err := os.Stat(s.predictions(0)); err == nil {
			t.Errorf("%s: there are predictions", c.what)
		}
	}
	for _, args := range [][]string{{"client_postprocess"}, {"client_postprocess", "4"}, {"client_postprocess", "0", "1"}, {"hepex-fhebench", "0"}} {
		if code, _, stderr := s.start(args[0], args[1:]...); code != 2 || !strings.Contains(stderr, "usage") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}
