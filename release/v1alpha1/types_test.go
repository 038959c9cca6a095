package v1alpha1

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

var noon = metav1.NewMicroTime(time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC))

// fill puts something into every field, pointer, list and map below v.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case metav1.MicroTime:
		v.Set(reflect.ValueOf(metav1.NewMicroTime(noon.Add(time.Duration(r.IntN(1e6)) * time.Microsecond))))
		return
	case metav1.Time:
		v.Set(reflect.ValueOf(metav1.NewTime(noon.Truncate(time.Second))))
		return
	case metav1.FieldsV1:
		v.Set(reflect.ValueOf(metav1.FieldsV1{Raw: []byte(`{"f:x":{}}`)}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(rune('a'+r.IntN(26))) + "é")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(1 + r.Int64N(1000))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(r, v.Index(0))
		fill(r, v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(r, k)
		fill(r, e)
		v.SetMapIndex(k, e)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(r, field)
		}
	default:
		panic("a test for " + v.Kind().String() + " is missing")
	}
}

func full(seed uint64) *Release {
	rec := &Release{}
	fill(rand.New(rand.NewPCG(seed, 1)), reflect.ValueOf(rec).Elem())
	rec.TypeMeta = metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: Kind}
	return rec
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return string(out)
}

func TestARecordSurvivesBeingWrittenAndRead(t *testing.T) {
	for seed := range uint64(20) {
		want := full(seed)
		got := &Release{}
		require.NoError(t, json.Unmarshal([]byte(encoded(t, want)), got))
		require.Equal(t, encoded(t, want), encoded(t, got))
		require.True(t, want.Status.Deliveries[0].Created.Equal(&got.Status.Deliveries[0].Created), "to the microsecond")
		require.Equal(t, want.Spec, got.Spec)
	}
}

func TestAnEmptyStatusSaysNothing(t *testing.T) {
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(encoded(t, &Release{})), &got))
	require.Subset(t, map[string]any{"timeline": map[string]any{}}, got["status"])
}

// overwrite changes every string, number and time that can be reached from v.
func overwrite(v reflect.Value) {
	switch v.Interface().(type) {
	case metav1.MicroTime:
		v.Set(reflect.ValueOf(metav1.NewMicroTime(noon.Add(time.Hour))))
		return
	case metav1.Time:
		v.Set(reflect.ValueOf(metav1.NewTime(noon.Add(time.Hour))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("overwritten")
	case reflect.Bool:
		v.SetBool(false)
	case reflect.Int32, reflect.Int64:
		v.SetInt(-1)
	case reflect.Uint8:
		v.SetUint('1')
	case reflect.Pointer:
		if !v.IsNil() {
			overwrite(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			overwrite(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			v.SetMapIndex(k, reflect.ValueOf("overwritten"))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			overwrite(field)
		}
	}
}

func TestACopySharesNothingWithItsOriginal(t *testing.T) {
	parts := map[string]func(*Release) (original any, deepCopy any){
		"Release":       func(r *Release) (any, any) { return r, r.DeepCopy() },
		"Object":        func(r *Release) (any, any) { return r, r.DeepCopyObject() },
		"ReleaseList":   func(r *Release) (any, any) { l := &ReleaseList{Items: []Release{*r}}; return l, l.DeepCopy() },
		"list Object":   func(r *Release) (any, any) { l := &ReleaseList{Items: []Release{*r}}; return l, l.DeepCopyObject() },
		"ReleaseSpec":   func(r *Release) (any, any) { return &r.Spec, r.Spec.DeepCopy() },
		"Subject":       func(r *Release) (any, any) { return &r.Spec.Subject, r.Spec.Subject.DeepCopy() },
		"Template":      func(r *Release) (any, any) { return &r.Spec.Template, r.Spec.Template.DeepCopy() },
		"ReleaseStatus": func(r *Release) (any, any) { return &r.Status, r.Status.DeepCopy() },
		"GitOps":        func(r *Release) (any, any) { return r.Status.GitOps, r.Status.GitOps.DeepCopy() },
		"Trace":         func(r *Release) (any, any) { return r.Status.Trace, r.Status.Trace.DeepCopy() },
		"Timeline":      func(r *Release) (any, any) { return &r.Status.Timeline, r.Status.Timeline.DeepCopy() },
		"RuleState":     func(r *Release) (any, any) { return &r.Status.Rules[0], r.Status.Rules[0].DeepCopy() },
		"Delivery":      func(r *Release) (any, any) { return &r.Status.Deliveries[0], r.Status.Deliveries[0].DeepCopy() },
		"Attempt": func(r *Release) (any, any) {
			return r.Status.Deliveries[0].First, r.Status.Deliveries[0].First.DeepCopy()
		},
		"ObjectRef": func(r *Release) (any, any) {
			return r.Status.Deliveries[0].Object, r.Status.Deliveries[0].Object.DeepCopy()
		},
		"Outcome": func(r *Release) (any, any) {
			return r.Status.Deliveries[0].Outcome, r.Status.Deliveries[0].Outcome.DeepCopy()
		},
		"Step": func(r *Release) (any, any) {
			s := &r.Status.Deliveries[0].Outcome.Steps[0]
			return s, s.DeepCopy()
		},
	}
	for name, part := range parts {
		t.Run(name, func(t *testing.T) {
			original, deepCopy := part(full(7))
			require.Equal(t, original, deepCopy)
			before := encoded(t, original)
			overwrite(reflect.ValueOf(deepCopy).Elem())
			require.NotEqual(t, before, encoded(t, deepCopy), "the test is wrong")
			require.Equal(t, before, encoded(t, original))
		})
	}
}

func TestACopyOfNothingIsNothing(t *testing.T) {
	require.Nil(t, (*Release)(nil).DeepCopy())
	require.Nil(t, (*Release)(nil).DeepCopyObject())
	require.Nil(t, (*ReleaseList)(nil).DeepCopy())
	require.Nil(t, (*ReleaseList)(nil).DeepCopyObject())
	require.Nil(t, (*ReleaseSpec)(nil).DeepCopy())
	require.Nil(t, (*ReleaseStatus)(nil).DeepCopy())
	require.Nil(t, (*Subject)(nil).DeepCopy())
	require.Nil(t, (*Template)(nil).DeepCopy())
	require.Nil(t, (*GitOps)(nil).DeepCopy())
	require.Nil(t, (*Trace)(nil).DeepCopy())
	require.Nil(t, (*Timeline)(nil).DeepCopy())
	require.Nil(t, (*RuleState)(nil).DeepCopy())
	require.Nil(t, (*Delivery)(nil).DeepCopy())
	require.Nil(t, (*Attempt)(nil).DeepCopy())
	require.Nil(t, (*ObjectRef)(nil).DeepCopy())
	require.Nil(t, (*Outcome)(nil).DeepCopy())
	require.Nil(t, (*Step)(nil).DeepCopy())
	require.Equal(t, &Release{}, (&Release{}).DeepCopy())
}

func TestTheSchemeKnowsTheTypes(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, AddToScheme(scheme))
	for _, o := range []runtime.Object{full(1), &ReleaseList{
		TypeMeta: metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "ReleaseList"}, Items: []Release{*full(2)},
	}} {
		got, kind, err := serializer.NewCodecFactory(scheme).UniversalDeserializer().Decode([]byte(encoded(t, o)), nil, nil)
		require.NoError(t, err)
		require.Equal(t, GroupVersion, kind.GroupVersion())
		require.Equal(t, encoded(t, o), encoded(t, got))
	}
}

func TestEveryFieldIsWrittenInCamelCase(t *testing.T) {
	camel := regexp.MustCompile(`^[a-z][a-zA-Z]*(,omitempty)?$`)
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			visit(typ.Elem())
		case reflect.Struct:
			if seen[typ] || typ.PkgPath() != reflect.TypeFor[Release]().PkgPath() {
				return
			}
			seen[typ] = true
			for f := range typ.Fields() {
				if tag := f.Tag.Get("json"); tag != ",inline" {
					require.Regexp(t, camel, tag, "%s.%s", typ.Name(), f.Name)
				}
				visit(f.Type)
			}
		}
	}
	visit(reflect.TypeFor[ReleaseList]())
	require.Greater(t, len(seen), 10)
}

func FuzzAnyRecordThatCanBeReadCanBeCopiedAndWritten(f *testing.F) {
	seed, err := json.Marshal(full(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"status":{"deliveries":[{"created":null}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec := &Release{}
		if json.Unmarshal(data, rec) != nil {
			return
		}
		first, err := json.Marshal(rec)
		if err != nil {
			return // a year beyond 9999, for example
		}
		second, err := json.Marshal(rec.DeepCopy())
		if err != nil || string(first) != string(second) {
			t.Fatalf("%s\n%s\n%v", first, second, err)
		}
	})
}
