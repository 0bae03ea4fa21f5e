package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"hepex/harness/atomicfile"
	"hepex/harness/serve"
)

// stage is one that is told a size. What an earlier run left of its result is removed first, so that a stage that fails leaves none.
type stage struct {
	result func(instance) string
	do     func(instance, io.Writer) error
}

var stages = map[string]stage{
	"client_key_generation":       {func(i instance) string { return filepath.Join(i.secretKey, serve.SecretFile) }, drawKeys},
	"client_preprocess_input":     {func(i instance) string { return i.samples }, readPixels},
	"client_encode_encrypt_input": {func(i instance) string { return i.inputs }, encrypt},
	"server_encrypted_compute":    {func(i instance) string { return i.outputs }, evaluate},
	"client_decrypt_decode":       {func(i instance) string { return i.scores }, decrypt},
	"client_postprocess":          {func(i instance) string { return i.predictions }, classify},
}

// silent reports nothing: the suite times stages.
func silent(int, int) {}

// drawKeys draws new keys in the place of those of an earlier run, which has the same client.
func drawKeys(i instance, _ io.Writer) error {
	if err := atomicfile.Remove(filepath.Join(i.publicKeys, serve.KeysFile)); err != nil {
		return err
	}
	return serve.Keygen(i.network, i.secretKey, i.publicKeys)
}

func readPixels(i instance, _ io.Writer) error {
	c, err := serve.OpenClient(i.secretKey)
	if err != nil {
		return err
	}
	samples, err := c.Samples(i.pixels)
	if err != nil {
		return err
	}
	return c.WriteSamples(samples, i.samples)
}

func encrypt(i instance, _ io.Writer) error {
	c, err := serve.OpenClient(i.secretKey)
	if err != nil {
		return err
	}
	samples, err := c.ReadSamples(i.samples)
	if err != nil {
		return err
	}
	return c.Encrypt(samples, i.inputs, silent)
}

func evaluate(i instance, out io.Writer) error {
	t, err := serve.Evaluation{
		Model: i.network, Keys: i.publicKeys, Inputs: i.inputs, Outputs: i.outputs, Threads: runtime.NumCPU(), Report: silent,
	}.Run()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "         [server] loading %.4f s, encrypted computation %.4f s, writing %.4f s\n", t.Load, t.Compute, t.Store)
	return nil
}

func decrypt(i instance, _ io.Writer) error {
	c, err := serve.OpenClient(i.secretKey)
	if err != nil {
		return err
	}
	outputs, err := c.Decrypt(i.outputs, silent)
	if err != nil {
		return err
	}
	return atomicfile.WriteWith(i.scores, func(w io.Writer) error { return c.WriteText(w, outputs, true) })
}

// classify takes the digit of the highest score.
func classify(i instance, _ io.Writer) error {
	scores, err := readScores(i.scores)
	if err != nil {
		return &serve.Error{Path: i.scores, Err: err}
	}
	return atomicfile.WriteWith(i.predictions, func(w io.Writer) error {
		for _, label := range serve.Labels(scores) {
			if _, err := fmt.Fprintln(w, label); err != nil {
				return err
			}
		}
		return nil
	})
}

func readScores(path string) ([][]float64, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("no such file")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errors.New("no scores: want a line for each image")
	}
	scores := make([][]float64, len(lines))
	for n, line := range lines {
		for _, word := range line {
			v, err := strconv.ParseFloat(word, 64)
			if err != nil {
				return nil, err
			}
			scores[n] = append(scores[n], v)
		}
	}
	return scores, nil
}
