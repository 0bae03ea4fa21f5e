package modelfile

import (
	"encoding/binary"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// pb is a protocol buffer of fields: a number and a value each, an int, a float32 or bytes.
func pb(fields ...any) string {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		number := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
		case float32:
			b = protowire.AppendFixed32(protowire.AppendTag(b, number, protowire.Fixed32Type), math.Float32bits(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), v)
		}
	}
	return string(b)
}

func node(op, in, out string, attributes ...string) string {
	var fields []any
	for name := range strings.FieldsSeq(in) {
		fields = append(fields, 1, name)
	}
	for name := range strings.FieldsSeq(out) {
		fields = append(fields, 2, name)
	}
	for _, a := range attributes {
		fields = append(fields, 5, a)
	}
	return pb(append(fields, 4, op)...)
}

func ints8(name string, values ...int) string {
	fields := []any{1, name, 20, 7}
	for _, v := range values {
		fields = append(fields, 8, v)
	}
	return pb(fields...)
}

func integer3(name string, v int) string { return pb(1, name, 3, v, 20, 2) }

// raw is a tensor with so many bytes of data.
func raw(name string, kind int, data string, dims ...int) string {
	var fields []any
	for _, d := range dims {
		fields = append(fields, 1, d)
	}
	return pb(append(fields, 2, kind, 8, name, 9, data)...)
}

// pads are what a node adds at both ends of each dimension.
func pads(name string, values ...int64) string {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return raw(name, 7, string(data), len(values))
}

// ones is a tensor of floats.
func ones(name string, dims ...int) string {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return raw(name, 1, strings.Repeat("\x00\x00\x80\x3f", n), dims...)
}

func float4(v float64) string {
	return string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v))))
}

func outside(properties ...string) string {
	fields := []any{1, 2, 1, 4, 2, 1, 8, "w", 14, 1}
	for i := 0; i < len(properties); i += 2 {
		fields = append(fields, 13, pb(1, properties[i], 2, properties[i+1]))
	}
	return pb(fields...)
}

func info(name string, dims ...int) string {
	var shape []any
	for _, d := range dims {
		shape = append(shape, 1, pb(1, d))
	}
	return pb(1, name, 2, pb(1, pb(1, 1, 2, pb(shape...))))
}

// file is a model from x to y, (1, 4) to (1, 2), with what else is given.
func file(graph ...any) string {
	return model(append(graph, 11, info("x", 1, 4), 12, info("y", 1, 2))...)
}

// image is a model of images of 8×8 in one channel.
func image(graph ...any) string {
	return model(append(graph, 11, info("x", 1, 1, 8, 8), 12, info("y", 1, 2))...)
}

// colour is a model of images of 2×2 in two channels, with the weights w of a layer on all their values.
func colour(graph ...any) string {
	return model(append(graph, 5, ones("w", 2, 8), 11, info("x", 1, 2, 2, 2), 12, info("y", 1, 2))...)
}

// pooled is an average pooling of 2×2 of such an image before a layer.
func pooled(settings ...string) string {
	settings = append(settings, ints8("kernel_shape", 2, 2), ints8("strides", 2, 2))
	return image(1, node("AveragePool", "x", "p", settings...), 1, node("Flatten", "p", "f"), 5, ones("w", 2, 16), 1, gemm("f w"))
}

// normed is a batch norm after a convolution.
func normed(settings ...string) string {
	return image(5, ones("w", 2, 1, 3, 3), 5, ones("g", 2), 1, node("Conv", "x w", "c"), 1, node("BatchNormalization", "c g g g g", "y", settings...))
}

func model(graph ...any) string { return pb(1, 7, 7, pb(graph...), 8, pb(1, "", 2, 13)) }

const transposed = "\x0a\x06transB\x18\x01\xa0\x01\x02"

// gemm is the one layer of a sound file.
func gemm(in string) string { return node("Gemm", in, "y", transposed) }
