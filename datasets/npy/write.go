package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// headerUnit is what the header, with all before the elements, is filled up to a multiple of.
const headerUnit = 64

// Write writes an array as .npy, version 1.0.
func Write(w io.Writer, a Array) error {
	order := "<"
	if a.Type.size() == 1 {
		order = "|"
	}
	var shape strings.Builder
	for i, d := range a.Shape {
		if i > 0 {
			shape.WriteString(" ")
		}
		fmt.Fprintf(&shape, "%d,", d)
	}
	lengths := shape.String()
	if len(a.Shape) > 1 {
		lengths = strings.TrimSuffix(lengths, ",")
	}
	text := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", order, a.Type, lengths)
	const before = len(magic) + 2 + 2
	text += strings.Repeat(" ", headerUnit-1-(before+len(text))%headerUnit) + "\n"
	if len(text) > maxHeader-1 {
		return fmt.Errorf("npy: %d axes: want at most %d", len(a.Shape), maxAxes)
	}
	head := append([]byte(magic), 1, 0)
	head = append(binary.LittleEndian.AppendUint16(head, uint16(len(text))), text...)
	for _, part := range [][]byte{head, a.elements} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("npy: %w", err)
		}
	}
	return nil
}
