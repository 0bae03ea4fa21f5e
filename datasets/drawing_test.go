package datasets

import (
	"bytes"
	"runtime"
	"testing"
)

func TestDrawnSampleDependsOnlyOnSplitAndNumber(t *testing.T) {
	for _, d := range []drawing{digits(), shapes()} {
		t.Run(d.name, func(t *testing.T) {
			size := d.form.Shape.Size()
			all, allLabels := d.samples(Train, 0, 40)
			part, partLabels := d.samples(Train, 7, 31)
			if !bytes.Equal(part, all[7*size:31*size]) || !bytes.Equal(partLabels, allLabels[7:31]) {
				t.Error("samples [7,31) differ when drawn without their neighbours")
			}

			before := runtime.GOMAXPROCS(5)
			defer runtime.GOMAXPROCS(before)
			again, againLabels := d.samples(Train, 0, 40)
			if !bytes.Equal(again, all) || !bytes.Equal(againLabels, allLabels) {
				t.Error("samples depend on GOMAXPROCS")
			}

			test, _ := d.samples(Test, 0, 40)
			for i := range 40 {
				if bytes.Equal(test[i*size:(i+1)*size], all[i*size:(i+1)*size]) {
					t.Errorf("sample %d is in both splits", i)
				}
			}
		})
	}
}
