// Command check reads manifests as a cluster does that takes no unknown field, and
// prints the pods in them, one JSON object a line. A file that names no kind is
// printed as it is: it is some other YAML. It is a module of its own: the
// types bring many others with them, which pid1 has no use for.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[1:] {
		spec, err := pod(path)
		if err == nil {
			err = out.Encode(spec)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "cannot read the manifest %s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

// pod reads one object.
func pod(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal(text, &meta); err != nil {
		return nil, err
	}
	switch meta.GroupVersionKind().String() {
	case "/v1, Kind=Pod":
		var p corev1.Pod
		err := yaml.UnmarshalStrict(text, &p)
		return &p.Spec, err
	case "apps/v1, Kind=Deployment":
		var d appsv1.Deployment
		err := yaml.UnmarshalStrict(text, &d)
		return &d.Spec.Template.Spec, err
	case "/, Kind=":
		var other any
		err := yaml.UnmarshalStrict(text, &other)
		return other, err
	}
	return nil, fmt.Errorf("no such kind is expected: %s", meta.GroupVersionKind())
}
