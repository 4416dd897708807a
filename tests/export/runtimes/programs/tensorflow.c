/* Executes exported SavedModels through TensorFlow's C API: tensorflow FOLDER...

   A folder has model/, and the inputs as in.txt (a line "name dtype sizes bytes" for each) and in.bin. It gets the
   outputs of the signature serving_default, as out.txt, which names them by number, and out.bin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

#define MOST 16
static TF_Status *status;

static void check(const char *what) {
    if (TF_GetCode(status) != TF_OK) {
        fprintf(stderr, "%s: %s\n", what, TF_Message(status));
        exit(1);
    }
}

static FILE *opened(const char *folder, const char *name, const char *mode) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static TF_DataType type_of(const char *dtype) {
    return strcmp(dtype, "float32") == 0 ? TF_FLOAT : strcmp(dtype, "int32") == 0 ? TF_INT32 : TF_INT64;
}

/* Reads the inputs; gives how many there are. */
static int inputs(const char *folder, TF_Graph *graph, TF_Output *ports, TF_Tensor **values) {
    char name[256], dtype[32], sizes[256], full[300];
    long bytes;
    int count = 0;
    FILE *text = opened(folder, "in.txt", "r"), *data = opened(folder, "in.bin", "rb");
    while (count < MOST && fscanf(text, "%255s %31s %255s %ld", name, dtype, sizes, &bytes) == 4) {
        int64_t dims[8];
        int rank = 0;
        for (char *size = strtok(sizes, ","); size && rank < 8; size = strtok(NULL, ",")) dims[rank++] = atol(size);
        values[count] = TF_AllocateTensor(type_of(dtype), dims, rank, (size_t)bytes);
        if (fread(TF_TensorData(values[count]), 1, (size_t)bytes, data) != (size_t)bytes) exit(1);
        snprintf(full, sizeof full, "serving_default_%s", name);
        ports[count] = (TF_Output){TF_GraphOperationByName(graph, full), 0};
        if (!ports[count++].oper) {
            fprintf(stderr, "no operation %s\n", full);
            exit(1);
        }
    }
    fclose(text);
    fclose(data);
    return count;
}

static void execute(const char *folder) {
    char path[4096];
    const char *tags[] = {"serve"};
    TF_Output in[MOST], out[MOST];
    TF_Tensor *given[MOST], *got[MOST];
    TF_Graph *graph = TF_NewGraph();
    TF_SessionOptions *options = TF_NewSessionOptions();
    snprintf(path, sizeof path, "%s/model", folder);
    TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, path, tags, 1, graph, NULL, status);
    check("load");
    int n = inputs(folder, graph, in, given);
    TF_Operation *call = TF_GraphOperationByName(graph, "serving_default_call");
    int m = TF_OperationNumOutputs(call);
    for (int i = 0; i < m; i++) out[i] = (TF_Output){call, i};
    TF_SessionRun(session, NULL, in, given, n, out, got, m, NULL, 0, NULL, status);
    check("run");
    FILE *text = opened(folder, "out.txt", "w"), *data = opened(folder, "out.bin", "wb");
    for (int i = 0; i < m; i++) {
        TF_DataType type = TF_TensorType(got[i]);
        fprintf(text, "%d %s ", i, type == TF_FLOAT ? "float32" : type == TF_INT32 ? "int32" : "int64");
        for (int d = 0; d < TF_NumDims(got[i]); d++) fprintf(text, "%s%ld", d ? "," : "", (long)TF_Dim(got[i], d));
        fprintf(text, " %ld\n", (long)TF_TensorByteSize(got[i]));
        fwrite(TF_TensorData(got[i]), 1, TF_TensorByteSize(got[i]), data);
        TF_DeleteTensor(got[i]);
    }
    fclose(text);
    fclose(data);
    for (int i = 0; i < n; i++) TF_DeleteTensor(given[i]);
    TF_DeleteSession(session, status);
    TF_DeleteSessionOptions(options);
    TF_DeleteGraph(graph);
}

int main(int argc, char **argv) {
    status = TF_NewStatus();
    for (int i = 1; i < argc; i++) execute(argv[i]);
    TF_DeleteStatus(status);
    return 0;
}
