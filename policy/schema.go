package policy

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Schema is what may stand at one place of a document, as JSON Schema has it. It is made of the tables by which documents are
// read; what only a whole document shows, such as a name that nothing defines, is left to [Check].
type Schema struct {
	Description string
	Type        string    // object, array, string, integer, boolean; "" with AnyOf
	Members     []Member  // of an object, in the order in which they are best read; there are no others
	Items       *Schema   // of an array
	Enum        []string  // of a string: the values there are
	Pattern     string    // of a string
	Names       Names     // of a string: what it names
	Least, Most int64     // of an integer: its bounds; of an array: how many elements, 0 for no bound
	AnyOf       []*Schema // the forms that are taken here
}

// Member is a member of an object.
type Member struct {
	Name     string
	Required bool
	*Schema
}

// Names is what kind of thing a string names.
type Names string

// What a string may name, by the section of the document that defines it.
const (
	NamesNothing       Names = ""
	NamesSegment       Names = "segments"
	NamesGroup         Names = "network-function-groups"
	NamesEdge          Names = "edge-locations"
	NamesRoutingPolicy Names = "routing-policies"
)

// Member is a member by its name, nil when there is none.
func (s *Schema) Member(name string) *Schema {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return s.Members[i].Schema
		}
	}
	return nil
}

// DocumentSchema is the schema of documents of a version, with "" of both. The error names the versions there are.
func DocumentSchema(version string) (*Schema, error) {
	b := schemaBuilder{versions: []string{Version2021, Version2025}, routing: true}
	switch version {
	case "":
	case Version2021, Version2025:
		b.versions, b.routing = []string{version}, version == Version2025
	default:
		return nil, fmt.Errorf("there is no version %q of the policy language; there are %s and %s", version, Version2021, Version2025)
	}
	return b.document(), nil
}

// schemaBuilder joins shapes, enumerations and descriptions.
type schemaBuilder struct {
	versions []string
	routing  bool // the version has routing policies
}

// schemas is the members of an object by their names.
type schemas map[string]*Schema

// object has the members of a shape for which there is a schema: the older version lacks some. Descriptions are found by the
// path, which names members alone.
func (b *schemaBuilder) object(path string, s *shape, members schemas) *Schema {
	o := &Schema{Type: "object"}
	for _, key := range s.keys {
		if m := members[key]; m != nil {
			m.Description = schemaDescriptions[path+"/"+key]
			o.Members = append(o.Members, Member{key, slices.Contains(s.required, key), m})
		}
	}
	return o
}

func str() *Schema  { return &Schema{Type: "string"} }
func flag() *Schema { return &Schema{Type: "boolean"} }

func oneWord(values ...string) *Schema { return &Schema{Type: "string", Enum: values} }
func matching(p string) *Schema        { return &Schema{Type: "string", Pattern: p} }
func naming(of Names) *Schema          { return &Schema{Type: "string", Names: of} }
func whole(least, most int64) *Schema  { return &Schema{Type: "integer", Least: least, Most: most} }
func either(forms ...*Schema) *Schema  { return &Schema{AnyOf: forms} }
func listOf(items *Schema, least, most int) *Schema {
	return &Schema{Type: "array", Items: items, Least: int64(least), Most: int64(most)}
}
func digits(least, most int64) *Schema { return either(whole(least, most), matching("^[0-9]+$")) }
func (b *schemaBuilder) since2025(s func() *Schema) *Schema {
	if !b.routing {
		return nil
	}
	return s()
}

const (
	blockPattern     = `^[0-9a-fA-F.:]+/[0-9]{1,3}$`
	asnRangePattern  = `^ *[0-9]+ *- *[0-9]+ *$`
	regionPattern    = `^[a-z]{2,}(-[a-z]+)+-[0-9]+$`
	communityPattern = `^[0-9]{1,5}:[0-9]{1,5}$`
)

func (b *schemaBuilder) document() *Schema {
	doc := b.object("", documentShape, schemas{
		"version":                    oneWord(b.versions...),
		"core-network-configuration": b.configuration(),
		"segments":                   listOf(b.segment(), 1, 0),
		"network-function-groups": listOf(b.object("/network-function-groups", groupShape, schemas{
			"name": matching(namePattern), "description": str(), "require-attachment-acceptance": flag(),
		}), 0, 0),
		"segment-actions":     listOf(b.segmentAction(), 0, 0),
		"attachment-policies": listOf(b.attachmentPolicy(), 0, 0),
		"routing-policies":    b.since2025(func() *Schema { return listOf(b.routingPolicy(), 0, 0) }),
		"attachment-routing-policy-rules": b.since2025(func() *Schema {
			return listOf(b.object("/attachment-routing-policy-rules", labelRuleShape, schemas{
				"rule-number": whole(1, maxRuleNumber), "description": str(), "edge-locations": listOf(naming(NamesEdge), 1, 0),
				"conditions": listOf(b.object("/attachment-routing-policy-rules/conditions", typeValueShape, schemas{"type": oneWord(labelConditionTypes...), "value": str()}), 1, 0),
				"action": b.object("/attachment-routing-policy-rules/action", labelActionShape, schemas{
					"associate-routing-policies": listOf(naming(NamesRoutingPolicy), 1, maxPolicies),
				}),
			}), 0, 0)
		}),
	})
	doc.Description = "Policy of an AWS Cloud WAN core network."
	return doc
}

func (b *schemaBuilder) configuration() *Schema {
	blocks := func() *Schema { return listOf(matching(blockPattern), 0, 0) }
	return b.object("/core-network-configuration", configurationShape, schemas{
		"vpn-ecmp-support": flag(), "dns-support": flag(), "security-group-referencing-support": flag(),
		"inside-cidr-blocks": blocks(), "asn-ranges": listOf(matching(asnRangePattern), 1, 0),
		"edge-locations": listOf(b.object("/core-network-configuration/edge-locations", edgeLocationShape, schemas{
			"location": matching(regionPattern), "asn": whole(1, maxASN), "inside-cidr-blocks": blocks(),
		}), 1, maxEdges),
	})
}

func (b *schemaBuilder) segment() *Schema {
	return b.object("/segments", segmentShape, schemas{
		"name": matching(namePattern), "description": str(), "edge-locations": listOf(naming(NamesEdge), 1, 0),
		"require-attachment-acceptance": flag(), "isolate-attachments": flag(),
		"deny-filter": listOf(naming(NamesSegment), 0, 0), "allow-filter": listOf(naming(NamesSegment), 0, 0),
	})
}

func (b *schemaBuilder) segmentAction() *Schema {
	const path = "/segment-actions"
	names := func() *Schema { return listOf(naming(NamesSegment), 1, 0) }
	all := func() *Schema { return oneWord("*") }
	whenSentTo := func() *Schema {
		return either(all(), naming(NamesSegment), b.object(path+"/when-sent-to", whenSentToShape, schemas{"segments": either(all(), naming(NamesSegment), names())}))
	}
	via := func() *Schema {
		return b.object(path+"/via", viaShape, schemas{
			"network-function-groups": listOf(naming(NamesGroup), 1, 1),
			"with-edge-overrides": listOf(b.object(path+"/via/with-edge-overrides", overrideShape, schemas{
				"edge-sets": listOf(listOf(naming(NamesEdge), 1, 0), 1, 0), "use-edge-location": naming(NamesEdge),
			}), 0, 0),
		})
	}
	one := func(action string, s *shape, members schemas) *Schema {
		members["action"], members["description"], members["segment"] = oneWord(action), str(), naming(NamesSegment)
		return b.object(path, s, members)
	}
	actions := []*Schema{
		one(ActionShare, shareShape, schemas{
			"mode":                 oneWord(shareModes...),
			"share-with":           either(all(), names(), b.object(path+"/share-with", exceptShape, schemas{"except": listOf(naming(NamesSegment), 0, 0)})),
			"routing-policy-names": b.since2025(func() *Schema { return listOf(naming(NamesRoutingPolicy), 0, maxPolicies) }),
		}),
		one(ActionCreateRoute, createRouteShape, schemas{
			"destination-cidr-blocks": listOf(matching(blockPattern), 1, 0),
			"destinations":            listOf(either(oneWord(Blackhole), matching(attachmentPattern)), 1, 0),
		}),
		one(ActionSendVia, sendViaShape, schemas{"mode": oneWord(sendViaModes...), "when-sent-to": whenSentTo(), "via": via()}),
		one(ActionSendTo, sendToShape, schemas{"when-sent-to": whenSentTo(), "via": via()}),
	}
	if b.routing {
		actions = append(actions, one(ActionAssociateRoutingPolicy, associateShape, schemas{
			"edge-location-association": b.object(path+"/edge-location-association", betweenShape, schemas{
				"edge-location": naming(NamesEdge), "peer-edge-location": naming(NamesEdge), "routing-policy-names": listOf(naming(NamesRoutingPolicy), 1, maxPolicies),
			}),
		}))
	}
	return either(actions...)
}

func (b *schemaBuilder) attachmentPolicy() *Schema {
	const path = "/attachment-policies"
	var conditions []*Schema
	for _, kind := range conditionTypes {
		conditions = append(conditions, b.object(path+"/conditions", conditionShapes[kind], schemas{
			"type": oneWord(kind), "operator": oneWord(operators...), "key": str(), "value": str(),
		}))
	}
	action := func(s *shape, method string) *Schema {
		return b.object(path+"/action", s, schemas{
			"association-method": oneWord(method), "segment": naming(NamesSegment), "tag-value-of-key": str(),
			"add-to-network-function-group": naming(NamesGroup), "require-acceptance": flag(),
		})
	}
	return b.object(path, attachmentPolicyShape, schemas{
		"rule-number": whole(1, maxRuleNumber), "description": str(), "condition-logic": oneWord(logics...),
		"conditions": listOf(either(conditions...), 0, 0),
		"action":     either(action(constantShape, methods[0]), action(tagShape, methods[1]), action(intoGroupShape, "")),
	})
}

func (b *schemaBuilder) routingPolicy() *Schema {
	const path = "/routing-policies"
	const rules = path + "/routing-policy-rules"
	const definition = rules + "/rule-definition"
	typed := func(path, kind string, value *Schema) *Schema {
		if value == nil {
			return b.object(path, typeShape, schemas{"type": oneWord(kind)})
		}
		return b.object(path, typeValueShape, schemas{"type": oneWord(kind), "value": value})
	}
	var matches, actions []*Schema
	for _, kind := range matchTypes {
		value := matching(blockPattern)
		switch kind {
		case MatchPrefixInPrefixList:
			value = str()
		case MatchASNInASPath:
			value = digits(1, maxASN)
		case MatchMEDEquals:
			value = digits(0, maxASN+1)
		case MatchCommunityInList:
			value = matching(communityPattern)
		}
		matches = append(matches, typed(definition+"/match-conditions", kind, value))
	}
	for _, kind := range routeActions {
		var value *Schema
		switch kind {
		case RouteSummarize:
			value = matching(blockPattern)
		case RoutePrependASNList, RouteRemoveASNList, RouteReplaceASNList:
			value = either(listOf(digits(1, maxASN), 1, 0), matching(`^ *[0-9]+ *(, *[0-9]+ *)*$`))
		case RouteAddCommunity, RouteRemoveCommunity:
			value = matching(communityPattern)
		case RouteSetMED, RouteSetLocalPreference:
			value = digits(0, maxASN+1)
		}
		actions = append(actions, typed(definition+"/action", kind, value))
	}
	return b.object(path, routingPolicyShape, schemas{
		"routing-policy-name": matching(routingNamePattern), "routing-policy-description": str(),
		"routing-policy-direction": oneWord(directions...), "routing-policy-number": whole(1, maxRoutingNumber),
		"routing-policy-rules": listOf(b.object(rules, routingRuleShape, schemas{
			"rule-number": whole(1, maxRoutingNumber),
			"rule-definition": b.object(definition, definitionShape, schemas{
				"match-conditions": listOf(either(matches...), 1, maxMatchConditions), "condition-logic": oneWord(logics...), "action": either(actions...),
			}),
		}), 1, maxRoutingRules),
	})
}

// MarshalJSON writes the schema in the words of JSON Schema, draft 2020-12, without what does not apply.
func (s *Schema) MarshalJSON() ([]byte, error) {
	type object = map[string]any
	o := object{}
	put := func(key string, value any, given bool) {
		if given {
			o[key] = value
		}
	}
	put("description", s.Description, s.Description != "")
	put("type", s.Type, s.Type != "")
	put("enum", s.Enum, len(s.Enum) > 0)
	put("pattern", s.Pattern, s.Pattern != "")
	put("items", s.Items, s.Items != nil)
	put("anyOf", s.AnyOf, len(s.AnyOf) > 0)
	switch s.Type {
	case "integer":
		o["minimum"], o["maximum"] = s.Least, s.Most
	case "array":
		put("minItems", s.Least, s.Least > 0)
		put("maxItems", s.Most, s.Most > 0)
	case "object":
		properties, required := object{}, []string{}
		for _, m := range s.Members {
			properties[m.Name] = m.Schema
			if m.Required {
				required = append(required, m.Name)
			}
		}
		o["properties"], o["additionalProperties"] = properties, false
		put("required", required, len(required) > 0)
	}
	return json.Marshal(o, json.Deterministic(true))
}

// JSONSchema is the schema as a file: indented, with the draft and a title. A file of both versions says which sections only
// the newer one has.
func (s *Schema) JSONSchema() ([]byte, error) {
	inner, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	file := map[string]any{}
	if err := json.Unmarshal(inner, &file); err != nil {
		return nil, err
	}
	file["$schema"], file["title"] = "https://json-schema.org/draft/2020-12/schema", "Core network policy"
	if version := s.Member("version"); len(version.Enum) > 1 {
		file["if"] = map[string]any{"properties": map[string]any{"version": map[string]any{"const": Version2021}}}
		file["then"] = map[string]any{"properties": map[string]any{"routing-policies": false, "attachment-routing-policy-rules": false}}
	}
	text, err := json.Marshal(file, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(text, '\n'), err
}
