package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const interfaceFile = "../internal/apigen/model/networkmanager-2019-07-05.json"

// newerInterface is what makes boto3 and the AWS CLI know all operations, for the environment: nothing where they do by
// themselves. Debian's are older than some operations. It is their own code that speaks, with newer data.
var newerInterface = sync.OnceValue(func() []string {
	const count = `import boto3; print(len(boto3.client("networkmanager", region_name="us-west-2").meta.service_model.operation_names))`
	known, err := exec.Command(interpreter(), "-c", count).Output()
	newest := exec.Command("aws", "networkmanager", "list-core-network-routing-information", "--generate-cli-skeleton")
	if err == nil && strings.TrimSpace(string(known)) == "97" && newest.Run() == nil {
		return nil
	}
	dir, err := botocoreModel()
	if err != nil {
		panic(err)
	}
	return []string{"AWS_DATA_PATH=" + dir}
})

// interpreter is a Python that has boto3, or "".
var interpreter = sync.OnceValue(func() string { return pythonWith("boto3") })

// pythonWith is a Python that has the modules, or "".
func pythonWith(modules string) string {
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import "+modules).Run() == nil {
			return candidate
		}
	}
	return ""
}

// botocoreModel writes the interface as botocore reads it and gives the folder.
func botocoreModel() (string, error) {
	text, err := os.ReadFile(interfaceFile)
	if err != nil {
		return "", err
	}
	var facts struct {
		Metadata   jsontext.Value            `json:"metadata"`
		Operations map[string]map[string]any `json:"operations"`
		Shapes     jsontext.Value            `json:"shapes"`
		Pagination jsontext.Value            `json:"pagination"`
	}
	if err := json.Unmarshal(text, &facts); err != nil {
		return "", err
	}
	shape := func(name any) any { return map[string]any{"shape": name} }
	for name, op := range facts.Operations {
		op["name"], op["input"], op["output"] = name, shape(op["input"]), shape(op["output"])
		errors, _ := op["errors"].([]any)
		for i := range errors {
			errors[i] = shape(errors[i])
		}
	}
	root, err := os.MkdirTemp("", "portolan-test-")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "networkmanager", "2019-07-05")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	for file, content := range map[string]any{
		"service-2.json":    map[string]any{"version": "2.0", "metadata": facts.Metadata, "operations": facts.Operations, "shapes": facts.Shapes},
		"paginators-1.json": map[string]any{"pagination": facts.Pagination},
	} {
		text, err := json.Marshal(content, json.Deterministic(true))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			return "", err
		}
	}
	return root, nil
}
