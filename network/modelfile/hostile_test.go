package modelfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"hepex/network"
)

// hostileONNX are files that no reader may believe.
func hostileONNX(t testing.TB, folder string) map[string]string {
	t.Helper()
	good, err := os.ReadFile("testdata/lenet.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "data"), make([]byte, 16), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	w, conv := ones("w", 2, 4), ones("w", 2, 1, 3, 3)
	sliced := func(starts, ends, axes string) string {
		return image(5, conv, 5, starts, 5, ends, 5, axes, 1, node("Slice", "x s e a", "p"), 1, node("Conv", "p w", "y"))
	}
	many := []any{5, w}
	for i := range 60000 {
		many = append(many, 1, node("Identity", "x", fmt.Sprint("v", i)))
	}
	return map[string]string{
		"empty": "", "text": "not a model", "zeros": strings.Repeat("\x00", 1000), "ones": strings.Repeat("\xff", 1000),
		"truncated in the head": string(good[:20]), "truncated in the middle": string(good[:len(good)/2]), "truncated at the end": string(good[:len(good)-1]),
		"no graph":   pb(1, 7),
		"two graphs": file(5, w, 1, gemm("x w")) + pb(7, pb(2, "again")),
		"a group":    "\x0b\x0c", "a long varint": "\x08" + strings.Repeat("\xff", 11),
		"a length beyond the end": "\x3a\xff\xff\xff\xff\x07", "a length of 2^63": "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"a cycle":                   file(5, w, 1, node("Identity", "b", "a"), 1, node("Identity", "a", "b"), 1, gemm("b w")),
		"a node that reads itself":  file(5, w, 1, node("Identity", "a", "a"), 1, gemm("a w")),
		"nodes out of order":        file(5, w, 1, gemm("a w"), 1, node("Identity", "x", "a")),
		"an output twice":           file(5, w, 1, node("Identity", "x", "a"), 1, node("Identity", "x", "a"), 1, gemm("a w")),
		"a constant twice":          file(5, w, 5, w, 1, gemm("x w")),
		"an output named as input":  file(5, w, 1, node("Identity", "x", "x"), 1, gemm("x w")),
		"a name of nothing":         file(5, w, 1, gemm("z w")),
		"a node without input":      file(5, w, 1, gemm("")),
		"a node without output":     file(5, w, 1, node("Gemm", "x w", "")),
		"a node without weights":    file(5, w, 1, gemm("x")),
		"computed weights":          file(5, w, 1, gemm("x x")),
		"an output of nothing":      file(5, w, 1, node("Gemm", "x w", "z", transposed)),
		"no output":                 pb(7, pb(5, w, 1, gemm("x w"), 11, info("x", 1, 4))),
		"two outputs":               file(5, w, 1, gemm("x w"), 12, info("y", 1, 2)),
		"no input":                  model(5, w, 1, gemm("w w"), 12, info("y", 1, 2)),
		"two inputs":                file(5, w, 1, gemm("x w"), 11, info("x2", 1, 4)),
		"an input without shape":    model(5, w, 1, gemm("x w"), 11, pb(1, "x"), 12, info("y")),
		"an input of open size":     model(5, w, 1, gemm("x w"), 11, pb(1, "x", 2, pb(1, pb(1, 1, 2, pb(1, "", 1, "")))), 12, info("y")),
		"an input of 2^60 values":   model(5, w, 1, gemm("x w"), 11, info("x", 1, 1, 1<<30, 1<<30), 12, info("y")),
		"a negative input":          model(5, w, 1, gemm("x w"), 11, info("x", 1, -4), 12, info("y")),
		"an input of 9 dimensions":  model(5, w, 1, gemm("x w"), 11, info("x", 1, 1, 1, 1, 1, 1, 1, 1, 4), 12, info("y")),
		"weights of 2^80 values":    file(5, raw("w", 1, "", 1<<40, 1<<40), 1, gemm("x w")),
		"weights of 2^64 values":    file(5, raw("w", 1, "", 1<<32, 1<<32), 1, gemm("x w")),
		"weights of 2^28 values":    file(5, raw("w", 1, "", 1<<14, 1<<14), 1, gemm("x w")),
		"weights of negative size":  file(5, raw("w", 1, "", -2, -4), 1, gemm("x w")),
		"weights of no size":        file(5, raw("w", 1, "", 0, 4), 1, gemm("x w")),
		"weights of 9 dimensions":   file(5, ones("w", 1, 1, 1, 1, 1, 1, 1, 2, 4), 1, gemm("x w")),
		"weights too short":         file(5, raw("w", 1, strings.Repeat("a", 31), 2, 4), 1, gemm("x w")),
		"weights too long":          file(5, raw("w", 1, strings.Repeat("a", 36), 2, 4), 1, gemm("x w")),
		"weights of another size":   file(5, ones("w", 2, 5), 1, gemm("x w")),
		"float16 weights":           file(5, raw("w", 10, strings.Repeat("a", 16), 2, 4), 1, gemm("x w")),
		"texts as weights":          file(5, raw("w", 8, "", 2, 4), 1, gemm("x w")),
		"integers as weights":       file(5, raw("w", 7, strings.Repeat("a", 64), 2, 4), 1, gemm("x w")),
		"many integers":             file(5, raw("w", 9, strings.Repeat("a", 1<<20), 1<<20), 1, gemm("x w")),
		"NaN":                       file(5, raw("w", 1, strings.Repeat(float4(math.NaN()), 8), 2, 4), 1, gemm("x w")),
		"infinite bias":             file(5, w, 5, raw("b", 1, float4(math.Inf(1)), 1), 1, gemm("x w b")),
		"biases of another number":  file(5, w, 5, ones("b", 3), 1, gemm("x w b")),
		"an empty bias":             file(5, w, 5, raw("b", 1, "", 0), 1, gemm("x w b")),
		"data above the folder":     file(5, outside("location", "../data"), 1, gemm("x w")),
		"data at an absolute path":  file(5, outside("location", "/etc/passwd"), 1, gemm("x w")),
		"data behind a link":        file(5, outside("location", "link"), 1, gemm("x w")),
		"data in a folder":          file(5, outside("location", "."), 1, gemm("x w")),
		"data that is not there":    file(5, outside("location", "missing"), 1, gemm("x w")),
		"data before the file":      file(5, outside("location", "data", "offset", "-8"), 1, gemm("x w")),
		"data after the file":       file(5, outside("location", "data", "offset", "8"), 1, gemm("x w")),
		"data at 2^62":              file(5, outside("location", "data", "offset", "4611686018427387904"), 1, gemm("x w")),
		"data of 2^62 bytes":        file(5, outside("location", "data", "length", "4611686018427387904"), 1, gemm("x w")),
		"data at no number":         file(5, outside("location", "data", "offset", "zero"), 1, gemm("x w")),
		"a setting of another type": file(5, w, 1, node("Gemm", "x w", "y", pb(1, "transB", 4, "one", 20, 2))),
		"an integer for a float":    file(5, w, 1, node("Gemm", "x w", "y", transposed, integer3("alpha", 1))),
		"a squeeze of two values":   file(5, w, 5, ones("b", 2, 1), 5, raw("a", 7, "\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00", 2), 1, node("Squeeze", "b a", "c"), 1, gemm("x w c")),
		"an unknown setting":        file(5, w, 1, node("Gemm", "x w", "y", integer3("trans", 1))),
		"a list of 2^17 numbers":    file(5, w, 1, node("Gemm", "x w", "y", pb(1, "transB", 8, 1)+strings.Repeat(pb(8, 1), 1<<17))),
		"a long name":               file(5, w, 1, node("Gemm", "x w", "y", transposed)+pb(3, strings.Repeat("n", 2000))),
		"names that are no text":    file(5, w, 1, node("Gemm", "x w", "y", transposed)+pb(3, "\xff\xfe")),
		"many nodes":                file(append(many, 1, gemm("x w"))...),
		"functions":                 file(5, w, 1, gemm("x w")) + pb(25, ""),
		"sparse constants":          file(5, w, 15, "", 1, gemm("x w")),
		"another domain":            file(5, w, 1, gemm("x w")+pb(7, "com.example")),
		"a loop":                    file(5, w, 1, node("Loop", "x", "a", pb(1, "body", 6, "", 20, 5)), 1, gemm("a w")),
		"a cube":                    file(5, w, 5, raw("e", 1, float4(3), 1), 1, node("Pow", "x e", "a"), 1, gemm("a w")),
		"a fourth power":            file(5, w, 1, node("Mul", "x x", "a"), 1, node("Mul", "a a", "b"), 1, gemm("b w")),
		"a division by zero":        file(5, w, 5, raw("e", 1, float4(0), 1), 1, node("Div", "x e", "a"), 1, gemm("a w")),
		"a branch":                  file(5, ones("v", 4, 4), 5, w, 1, node("Gemm", "x v", "a", transposed), 1, node("Add", "a x", "b"), 1, gemm("b w")),
		"an activation used again":  file(5, ones("v", 4, 4), 5, w, 1, node("Gemm", "x v", "a", transposed), 1, node("Sigmoid", "a", "s"), 1, node("Mul", "a s", "g"), 1, node("Mul", "s g", "z"), 1, gemm("z w")),
		"a square at the end":       model(5, w, 1, node("Gemm", "x w", "a", transposed), 1, node("Mul", "a a", "y"), 11, info("x", 1, 4), 12, info("y", 1, 2)),
		"a square at the start":     colour(5, raw("k", 1, float4(2)+float4(2), 2, 1, 1), 1, node("Mul", "x x", "s"), 1, node("Add", "s k", "p"), 1, node("Flatten", "p", "f"), 1, gemm("f w")),
		"no layers":                 file(1, node("Identity", "x", "y")),
		"flat values convolved":     file(5, conv, 1, node("Conv", "x w", "y")),
		"images not flattened":      image(5, w, 1, gemm("x w")),
		"groups":                    image(5, conv, 1, node("Conv", "x w", "y", integer3("group", 2))),
		"dilations":                 image(5, conv, 1, node("Conv", "x w", "y", ints8("dilations", 2, 2))),
		"a sum before padding":      image(5, conv, 5, raw("k", 1, float4(0.5)), 1, node("Add", "x k", "a"), 1, node("Conv", "a w", "y", ints8("pads", 1, 1, 1, 1))),
		"padding by a node":         image(5, conv, 5, raw("n", 7, strings.Repeat("\x01\x00\x00\x00\x00\x00\x00\x00", 8), 8), 1, node("Pad", "x n", "p"), 1, node("Conv", "p w", "y")),
		"dropout in training":       file(5, w, 5, raw("r", 1, float4(0.5)), 5, raw("t", 9, "\x01"), 1, node("Dropout", "x r t", "d"), 1, gemm("d w")),
		"a factor in another order": colour(1, node("Flatten", "x", "f"), 5, ones("k", 8), 1, node("Mul", "f k", "m"), 1, gemm("m w")),
		"padding of its own":        image(5, conv, 1, node("Conv", "x w", "y", pb(1, "auto_pad", 4, "SAME_UPPER", 20, 3))),
		"samples in columns":        file(5, w, 1, node("Gemm", "x w", "y", transposed, integer3("transA", 1))),
		"strides of 0":              image(5, conv, 1, node("Conv", "x w", "y", ints8("strides", 0, 0))),
		"one stride":                image(5, conv, 1, node("Conv", "x w", "y", ints8("strides", 1))),
		"pads of 2^62":              image(5, conv, 1, node("Conv", "x w", "y", ints8("pads", 1<<62, 1<<62, 1<<62, 1<<62))),
		"pads as large as kernels":  image(5, conv, 1, node("Conv", "x w", "y", ints8("pads", 3, 3, 3, 3))),
		"uneven pads":               image(5, conv, 1, node("Conv", "x w", "y", ints8("pads", 0, 0, 1, 1))),
		"another kernel_shape":      image(5, conv, 1, node("Conv", "x w", "y", ints8("kernel_shape", 5, 5))),
		"a kernel beyond the image": image(5, ones("w", 2, 1, 9, 9), 1, node("Conv", "x w", "y")),
		"an empty kernel":           image(5, raw("w", 1, "", 2, 1, 0, 3), 1, node("Conv", "x w", "y")),
		"filters of more channels":  image(5, ones("w", 2, 3, 3, 3), 1, node("Conv", "x w", "y")),
		"a pool without kernel":     image(1, node("AveragePool", "x", "y")),
		"a pool with padding":       pooled(ints8("pads", 1, 1, 1, 1)),
		"a pool beyond the image":   pooled(integer3("ceil_mode", 1)),
		"a norm in training":        normed(integer3("training_mode", 1)),
		"a norm of every value":     normed(integer3("spatial", 0)),
		"a pool of nothing":         image(1, node("AveragePool", "x", "y", ints8("kernel_shape", 0, 0))),
		"a pool that overflows":     model(5, ones("w", 64, 64, 1, 1), 1, node("Conv", "x w", "a"), 1, node("GlobalAveragePool", "a", "y"), 11, info("x", 1, 64, 128, 128), 12, info("y")),
		"a pool behind a norm":      model(5, ones("w", 64, 64, 1, 1), 5, ones("g", 64), 1, node("Conv", "x w", "a"), 1, node("BatchNormalization", "a g g g g", "b"), 1, node("GlobalAveragePool", "b", "y"), 11, info("x", 1, 64, 128, 128), 12, info("y")),
		"a pool behind a factor":    model(5, ones("w", 64, 64, 1, 1), 5, raw("k", 1, float4(2)), 1, node("Conv", "x w", "a"), 1, node("Mul", "a k", "b"), 1, node("GlobalAveragePool", "b", "y"), 11, info("x", 1, 64, 128, 128), 12, info("y")),
		"a negative variance":       image(5, ones("g", 1), 5, raw("v", 1, float4(-1), 1), 1, node("BatchNormalization", "x g g g v", "y")),
		"channels without norm":     image(5, ones("g", 2), 1, node("BatchNormalization", "x g g g g", "y")),
		"a shape of open sizes":     image(5, raw("s", 7, strings.Repeat("\xff", 24), 3), 1, node("Reshape", "x s", "y")),
		"a shape of 2^62":           image(5, raw("s", 7, "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40", 2), 1, node("Reshape", "x s", "y")),
		"an empty order":            file(5, w, 1, gemm("x w")) + pb(14, pb(1, inputOrder, 2, "[]")),
		"no order":                  file(5, w, 1, gemm("x w")) + pb(14, pb(1, inputOrder, 2, "[0,0,1,2]")),
		"an order of 10^9":          file(5, w, 1, gemm("x w")) + pb(14, pb(1, outputOrder, 2, "[1000000000,0]")),
		"an order that is no list":  file(5, w, 1, gemm("x w")) + pb(14, pb(1, outputOrder, 2, "{}")),

		"padding of what is cropped": image(5, conv, 5, pads("n", 0, 0, -1, 0, 0, 0, -1, 0), 1, node("Pad", "x n", "p"), 1, node("Conv", "p w", "y", ints8("pads", 1, 1, 1, 1))),
		"a crop at one edge":         image(5, conv, 5, pads("n", 0, 0, -1, 0, 0, 0, 0, 0), 1, node("Pad", "x n", "p"), 1, node("Conv", "p w", "y")),
		"a crop of samples":          image(5, conv, 5, pads("n", -1, 0, 0, 0, -1, 0, 0, 0), 1, node("Pad", "x n", "p"), 1, node("Conv", "p w", "y")),
		"a crop of a constant":       image(5, conv, 5, ones("k", 1, 1, 3, 1), 5, pads("n", 0, 0, -1, 0, 0, 0, -1, 0), 1, node("Pad", "k n", "p"), 1, node("Mul", "x p", "q"), 1, node("Conv", "q w", "y")),
		"axes of fractions":          image(5, conv, 5, pads("n", 0, 0, -1, 0, 0, 0, -1, 0), 5, ones("a", 4), 5, raw("v", 1, float4(0)), 1, node("Pad", "x n v a", "p"), 1, node("Conv", "p w", "y")),
		"a crop by fractions":        image(5, conv, 5, ones("n", 8), 1, node("Pad", "x n", "p"), 1, node("Conv", "p w", "y")),
		"a crop of listed samples":   image(5, conv, 5, pads("n", -1, -1), 5, pads("a", 0), 5, raw("v", 1, float4(0)), 1, node("Pad", "x n v a", "p"), 1, node("Conv", "p w", "y")),
		"an axis listed twice":       image(5, conv, 5, pads("n", -1, -1, -1, -1), 5, pads("a", 2, -2), 5, raw("v", 1, float4(0)), 1, node("Pad", "x n v a", "p"), 1, node("Conv", "p w", "y")),
		"an axis of none":            image(5, conv, 5, pads("n", -1, -1), 5, pads("a", 4), 5, raw("v", 1, float4(0)), 1, node("Pad", "x n v a", "p"), 1, node("Conv", "p w", "y")),
		"pads of other axes":         image(5, conv, 5, pads("n", 0, 0, -1, -1, 0, 0, -1, -1), 5, pads("a", 2, 3), 5, raw("v", 1, float4(0)), 1, node("Pad", "x n v a", "p"), 1, node("Conv", "p w", "y")),
		"a sum of unlike crops":      image(5, conv, 5, pads("n", 0, 0, -1, 0, 0, 0, -1, 0), 1, node("Pad", "x n", "p"), 1, node("Add", "p x", "q"), 1, node("Conv", "q w", "y")),
		"a crop before a norm":       image(5, conv, 5, ones("g", 1), 5, pads("n", 0, 0, -1, 0, 0, 0, -1, 0), 1, node("Pad", "x n", "p"), 1, node("BatchNormalization", "p g g g g", "q"), 1, node("Conv", "q w", "y")),
		"a slice at one edge":        sliced(pads("s", 1), pads("e", 8), pads("a", 2)),
		"a slice of samples":         sliced(pads("s", 1), pads("e", -1), pads("a", 0)),
		"a slice of no axis":         sliced(pads("s", 1), pads("e", -1), pads("a", 4)),
		"a slice of an axis twice":   sliced(pads("s", 1, 1), pads("e", -1, -1), pads("a", 2, -2)),
		"a slice with fewer ends":    sliced(pads("s", 1, 1), pads("e", -1), pads("a", 2, 3)),
		"a slice by fractions":       sliced(ones("s", 1), pads("e", -1), pads("a", 2)),
		"a slice without ends":       image(5, conv, 5, pads("s", 1), 1, node("Slice", "x s", "p"), 1, node("Conv", "p w", "y")),
		"a slice that is empty":      sliced(pads("s", 5), pads("e", 3), pads("a", 2)),
		"a slice of least numbers":   sliced(pads("s", math.MinInt64), pads("e", math.MinInt64), pads("a", 2)),
		"a slice of a constant":      image(5, conv, 5, ones("k", 1, 1, 9, 1), 5, pads("s", 0), 5, pads("e", 8), 5, pads("a", 2), 1, node("Slice", "k s e a", "m"), 1, node("Mul", "x m", "p"), 1, node("Conv", "p w", "y")),
		"a slice by steps":           image(5, conv, 5, pads("s", 1), 5, pads("e", -1), 5, pads("a", 2), 5, pads("t", 2), 1, node("Slice", "x s e a t", "p"), 1, node("Conv", "p w", "y")),
		"a slice of what is flat":    file(5, conv, 5, pads("to", -1, 1, 2, 2), 5, pads("s", 1), 5, pads("e", -1), 5, pads("a", -1), 1, node("Reshape", "x to", "r"), 1, node("Slice", "x s e a", "q"), 1, node("Slice", "r s e a", "u"), 1, node("Add", "u q", "p"), 1, node("Conv", "p w", "y")),
		"a sum of two shapes":        file(5, ones("w", 2, 1, 1, 1), 5, pads("to", -1, 1, 2, 2), 1, node("Reshape", "x to", "r"), 1, node("Add", "r x", "p"), 1, node("Conv", "p w", "y")),
		"a slice of a product":       image(5, conv, 5, ones("k", 1, 1, 1, 1), 5, pads("s", 1), 5, pads("e", -1), 5, pads("a", 2), 1, node("Mul", "k k", "m"), 1, node("Slice", "m s e a", "q"), 1, node("Slice", "x s e a", "u"), 1, node("Mul", "u q", "p"), 1, node("Conv", "p w", "y")),
		"a slice by real steps":      image(5, conv, 5, pads("s", 1), 5, pads("e", -1), 5, pads("a", 2), 5, ones("t", 1), 1, node("Slice", "x s e a t", "p"), 1, node("Conv", "p w", "y")),
		"a slice of a row of values": image(5, ones("f", 2, 64), 5, pads("s", 1), 5, pads("e", -1), 5, pads("a", 1), 1, node("Flatten", "x", "r"), 1, node("Slice", "r s e a", "p"), 1, node("Gemm", "p f", "y", transposed)),
		"a crop of everything":       image(5, conv, 5, pads("n", 0, 0, -4, 0, 0, 0, -4, 0), 1, node("Pad", "x n", "p"), 1, node("Conv", "p w", "y")),
		"a crop before a pool":       image(5, conv, 5, pads("n", 0, 0, -1, 0, 0, 0, -1, 0), 1, node("Pad", "x n", "p"), 1, node("GlobalAveragePool", "p", "q"), 1, node("Conv", "q w", "y")),
	}
}

// safetensorsFile is a header with its length, and data.
func safetensorsFile(header string, data int) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + strings.Repeat("\x00", data)
}

func hostileSafetensors() map[string]string {
	entry := func(kind, shape, offsets string) string {
		return fmt.Sprintf(`"fc.weight": {"dtype": %q, "shape": %s, "data_offsets": %s}`, kind, shape, offsets)
	}
	sound := entry("F32", "[2,4]", "[0,32]")
	return map[string]string{
		"empty": "", "short": "\x01\x00", "text": "not a file of weights",
		"a header of 2^63 bytes": "\xff\xff\xff\xff\xff\xff\xff\x7f{}", "a header beyond the end": "\x20\x00\x00\x00\x00\x00\x00\x00{}",
		"no JSON": safetensorsFile("fc.weight", 0), "a list": safetensorsFile("[]", 0), "half an object": safetensorsFile("{"+sound, 32),
		"nested deeply":       safetensorsFile(`{"a":`+strings.Repeat("[", 100000), 0),
		"a name twice":        safetensorsFile("{"+sound+","+sound+"}", 32),
		"an unknown type":     safetensorsFile("{"+entry("BF16", "[2,4]", "[0,16]")+"}", 16),
		"integers":            safetensorsFile("{"+entry("I64", "[2,4]", "[0,64]")+"}", 64),
		"a negative shape":    safetensorsFile("{"+entry("F32", "[-2,-4]", "[0,32]")+"}", 32),
		"a shape of 2^80":     safetensorsFile("{"+entry("F32", "[1099511627776,1099511627776]", "[0,32]")+"}", 32),
		"a shape of 10^400":   safetensorsFile("{"+entry("F32", "[1"+strings.Repeat("0", 400)+"]", "[0,32]")+"}", 32),
		"no offsets":          safetensorsFile("{"+entry("F32", "[2,4]", "[]")+"}", 32),
		"negative offsets":    safetensorsFile("{"+entry("F32", "[2,4]", "[-32,0]")+"}", 32),
		"offsets too far":     safetensorsFile("{"+entry("F32", "[2,4]", "[0,32]")+"}", 16),
		"offsets of 2^62":     safetensorsFile("{"+entry("F32", "[2,4]", "[4611686018427387904,4611686018427387936]")+"}", 32),
		"overlapping tensors": safetensorsFile("{"+sound+`, "fc.bias": {"dtype": "F32", "shape": [2], "data_offsets": [0,8]}}`, 32),
		"a hole":              safetensorsFile("{"+entry("F32", "[2,4]", "[8,40]")+"}", 40),
		"bytes left over":     safetensorsFile("{"+sound+"}", 64),
		"no tensor":           safetensorsFile("{}", 0),
		"another layer":       safetensorsFile("{"+strings.Replace(sound, "fc.weight", "weight", 1)+"}", 32),
		"another size":        safetensorsFile("{"+entry("F32", "[4,2]", "[0,32]")+"}", 32),
		"a layer too many":    safetensorsFile("{"+sound+`, "fc2.weight": {"dtype": "F32", "shape": [2], "data_offsets": [32,40]}}`, 40),
		"two that fit":        safetensorsFile("{"+sound+`, "fc2.weight": {"dtype": "F32", "shape": [2,4], "data_offsets": [32,64]}}`, 64),
		"metadata of numbers": safetensorsFile(`{"__metadata__": 3}`, 0),
	}
}

// archive is a zip file of members with contents.
func archive(t testing.TB, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.Create(members[i])
		if err == nil {
			_, err = w.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// array is a .npy file with a header as NumPy writes it.
func array(kind, shape string, data string) string {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", kind, shape)
	return "\x93NUMPY\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(header)))) + header + data
}

func hostileNPZ(t testing.TB) map[string]string {
	t.Helper()
	sound := array("<f4", "(2, 4)", strings.Repeat("\x00", 32))
	good := archive(t, "fc.weight.npy", sound)
	return map[string]string{
		"empty": "", "text": "not an archive", "truncated": good[:len(good)-10], "no members": archive(t),
		"a bomb":          archive(t, "fc.weight.npy", array("<f4", "(5000, 5000)", strings.Repeat("\x00", 100_000_000))),
		"a large shape":   archive(t, "fc.weight.npy", array("<f4", "(1048576, 1048576, 1048576)", "")),
		"a short array":   archive(t, "fc.weight.npy", array("<f4", "(2, 4)", "")),
		"objects":         archive(t, "fc.weight.npy", array("|O", "(2, 4)", "\x80\x04.")),
		"integers":        archive(t, "fc.weight.npy", array("<i4", "(2, 4)", strings.Repeat("\x00", 32))),
		"a name twice":    archive(t, "fc.weight.npy", sound, "fc.weight.npy", sound),
		"no array":        archive(t, "fc.weight.npy", "text"),
		"another member":  archive(t, "fc.weight.npy", sound, "../../passwd", "text"),
		"NaN":             archive(t, "fc.weight.npy", array("<f4", "(2, 4)", strings.Repeat(float4(math.NaN()), 8))),
		"a layer too few": archive(t, "fc.bias.npy", array("<f4", "(2,)", strings.Repeat("\x00", 8))),
		"no order":        archive(t, "fc.weight.npy", sound, inputOrder+".npy", array("<i8", "(4,)", strings.Repeat("\x00", 32))),
	}
}

// Every file is refused, in little memory; none makes a reader panic.
func TestHostileFilesAreRefused(t *testing.T) {
	folder := t.TempDir()
	a := network.Architecture{Inputs: 4, Outputs: 2, Activation: "square"}
	for ending, files := range map[string]map[string]string{".onnx": hostileONNX(t, folder), ".safetensors": hostileSafetensors(), ".npz": hostileNPZ(t)} {
		for name, content := range files {
			t.Run(ending+" "+name, func(t *testing.T) {
				path := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+ending)
				if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
					t.Fatal(err)
				}
				refused(t, path, Options{Architecture: &a})
				refused(t, path, Options{Architecture: &a, Replace: true})
				_, _ = Inspect(path) // may show what there is
			})
		}
	}
	if keep := os.Getenv("HEPEX_HOSTILE"); keep != "" {
		if err := os.CopyFS(keep, os.DirFS(folder)); err != nil {
			t.Log(err) // links are not copied
		}
	}
}

func refused(t *testing.T, path string, o Options) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(path, o)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Fatal("it is read as a network")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 200e6 {
		t.Errorf("%d bytes are allocated: want at most 200 MB", used)
	}
	t.Log(err)
}

func TestFilesThatAreNone(t *testing.T) {
	folder := t.TempDir()
	large := filepath.Join(folder, "large.onnx")
	if err := errors.Join(os.WriteFile(large, nil, 0o666), os.Truncate(large, 1<<40)); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(folder, "pipe.onnx")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{large, pipe, folder, folder + "/missing.onnx", folder + "/missing.pt", "/dev/zero"} {
		refused(t, path, Options{})
	}
}

// The files that hostile ones are made of are sound.
func TestSoundFilesAreRead(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "data"), make([]byte, 40), 0o666); err != nil {
		t.Fatal(err)
	}
	a := network.Architecture{Inputs: 4, Outputs: 2, Activation: "square"}
	for _, c := range [][2]string{
		{".onnx", file(5, ones("w", 2, 4), 1, gemm("x w"))},
		{".onnx", file(5, ones("w", 2, 4), 5, ones("b", 2, 1), 1, node("Squeeze", "b", "c"), 1, gemm("x w c"))},
		{".onnx", file(11, info("w", 2, 4), 5, ones("w", 2, 4), 1, gemm("x w"))}, // as of IR version 3, constants among the inputs
		{".onnx", pooled()},
		{".onnx", normed()},
		{".onnx", image(5, ones("w", 2, 1, 3, 3), 1, node("Conv", "x w", "y"))},
		{".onnx", colour(1, node("Flatten", "x", "f"), 1, gemm("f w"))},
		{".onnx", file(5, outside("location", "data", "offset", "8", "length", "32"), 1, gemm("x w"))},
		{".safetensors", safetensorsFile(`{"fc.weight": {"dtype": "F32", "shape": [2,4], "data_offsets": [0,32]}}`, 32)},
		{".safetensors", safetensorsFile(`{"fc.weight": {"dtype": "F64", "shape": [2,4], "data_offsets": [0,64]}}`, 64)},
		{".safetensors", safetensorsFile(`{"fc.weight": {"dtype": "F32", "shape": [2,4], "data_offsets": [8,40]}, "fc.bias": {"dtype": "F32", "shape": [2], "data_offsets": [0,8]}}`, 40)},
		{".npz", archive(t, "fc.weight.npy", array("<f4", "(2, 4)", strings.Repeat("\x00", 32)))},
	} {
		if _, err := parse(c[0], []byte(c[1]), folder, Options{Architecture: &a}); err != nil {
			t.Errorf("%s: %v", c[0], err)
		}
	}
}
