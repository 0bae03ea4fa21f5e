package trial

import "testing"

// What a small evaluation needs is timed once for each kind of weights and number of threads; nothing of it is free.
func TestMaking(t *testing.T) {
	f := NewForecaster(t.TempDir(), ignore)
	for _, encrypted := range []bool{false, true} {
		first, err := f.makingOf(encrypted, 1)
		if err != nil || first.keys <= 0 || first.input <= 0 || first.model <= 0 {
			t.Fatalf("encrypted %t: %+v, %v", encrypted, first, err)
		}
		t.Logf("encrypted %t: %+v s a byte", encrypted, first)
		if again, err := f.makingOf(encrypted, 1); err != nil || again != first {
			t.Errorf("encrypted %t: %+v, %v: want %+v", encrypted, again, err, first)
		}
	}
}
