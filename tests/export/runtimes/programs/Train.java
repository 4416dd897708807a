import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Trains with an exported training step on the JVM: {@code java -cp JAR:CLASSES Train STEP_FOLDER BATCHES_FOLDER}.
 *
 * <p>Prints the loss of each batch; leaves the last state in BATCHES_FOLDER as state.txt and state.bin.
 */
public final class Train {
    private static final Map<String, String> KINDS = Map.of(
        "F32", "float32", "F64", "float64", "I32", "int32", "I64", "int64", "U32", "uint32", "BOOL", "bool");

    private Train() {}

    /** The arrays of a safetensors file: the length of the header, the header in JSON, the bytes. */
    private static Map<String, Bundle.Array> state(Path file, ObjectMapper json) throws Exception {
        ByteBuffer data = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int size = (int) data.getLong(0);
        byte[] header = new byte[size];
        data.get(8, header);
        Map<String, Bundle.Array> found = new LinkedHashMap<>();
        json.readTree(header).fields().forEachRemaining(entry -> {
            JsonNode row = entry.getValue();
            if (!row.has("dtype")) {
                return;
            }
            int begin = row.get("data_offsets").get(0).asInt();
            int length = row.get("data_offsets").get(1).asInt() - begin;
            long[] shape = new long[row.get("shape").size()];
            for (int i = 0; i < shape.length; i++) {
                shape[i] = row.get("shape").get(i).asLong();
            }
            ByteBuffer own = ByteBuffer.allocateDirect(length).order(ByteOrder.nativeOrder());
            own.put(data.slice(8 + size + begin, length)).flip();
            found.put(entry.getKey(), new Bundle.Array(KINDS.get(row.get("dtype").asText()), shape, own));
        });
        return found;
    }

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        Path batches = Path.of(args[1]);
        ObjectMapper json = new ObjectMapper();
        JsonNode about = json.readTree(folder.resolve("step.json").toFile());
        Map<String, Bundle.Array> state = state(folder.resolve(about.get("values").asText()), json);
        String loss = about.get("step").get("logs").get(0).asText();
        List<JsonNode> rows = new ArrayList<>();
        about.get("state").forEach(rows::add);
        String file = folder.resolve(about.get("step").get("file").asText()).toString();
        try (OrtSession session = Jvm.ENVIRONMENT.createSession(file)) {
            for (int i = 0; Files.exists(batches.resolve("batch" + i + ".txt")); i++) {
                Map<String, Bundle.Array> feeds = Bundle.read(batches, "batch" + i);
                for (JsonNode row : rows) {
                    String name = row.get("input").asText();
                    if (session.getInputNames().contains(name)) {
                        feeds.put(name, state.get(name));
                    }
                }
                Map<String, Bundle.Array> out = Jvm.run(session, feeds);
                System.out.println(out.get(loss).data().order(ByteOrder.nativeOrder()).getFloat(0));
                for (JsonNode row : rows) {
                    state.put(row.get("input").asText(), out.get(row.get("output").asText()));
                }
            }
        }
        Bundle.write(batches, "state", state);
    }
}
