package memory

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// discover answers what kinds there are; false if that is not the question.
func (s *Server) discover(r *http.Request) (reply, bool) {
	var out any
	switch path := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); {
	case r.Method != http.MethodGet:
		return reply{}, false
	case path[0] == "api" && len(path) == 1:
		out = metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case path[0] == "api" && len(path) == 2:
		out = s.kindsOf(schema.GroupVersion{Version: path[1]})
	case path[0] == "apis" && len(path) == 1:
		out = s.groups()
	case path[0] == "apis" && len(path) == 3:
		out = s.kindsOf(schema.GroupVersion{Group: path[1], Version: path[2]})
	default:
		return reply{}, false
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return failure(err), true
	}
	return reply{http.StatusOK, raw}, true
}

func (s *Server) groups() metav1.APIGroupList {
	out := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for _, r := range s.resources {
		known := slices.ContainsFunc(out.Groups, func(g metav1.APIGroup) bool { return g.Name == r.Group })
		if r.Group == "" || known || !s.installed(r, s.objects) {
			continue
		}
		v := metav1.GroupVersionForDiscovery{GroupVersion: r.APIVersion(), Version: r.Version}
		out.Groups = append(out.Groups, metav1.APIGroup{Name: r.Group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
	}
	return out
}

func (s *Server) kindsOf(gv schema.GroupVersion) metav1.APIResourceList {
	out := metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String(), APIResources: []metav1.APIResource{},
	}
	for _, r := range s.resources {
		if r.APIVersion() == gv.String() && s.installed(r, s.objects) {
			out.APIResources = append(out.APIResources, metav1.APIResource{
				Name: r.Plural, SingularName: strings.ToLower(r.Kind), Kind: r.Kind, Namespaced: !r.Cluster,
				Verbs: metav1.Verbs{"get", "list", "watch", "create", "update", "patch", "delete"},
			})
		}
	}
	return out
}
