import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Executes exported ONNX files on the JVM: {@code java -cp JAR:CLASSES Jvm FOLDER...}. */
public final class Jvm {
    static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();
    static final Map<String, OnnxJavaType> TYPES = Map.of(
        "float32", OnnxJavaType.FLOAT, "float64", OnnxJavaType.DOUBLE, "int32", OnnxJavaType.INT32,
        "int64", OnnxJavaType.INT64, "uint8", OnnxJavaType.UINT8, "bool", OnnxJavaType.BOOL,
        "uint32", OnnxJavaType.INT32);

    private Jvm() {}

    static OnnxTensor tensor(Bundle.Array array) throws OrtException {
        OnnxJavaType type = TYPES.get(array.dtype());
        return OnnxTensor.createTensor(ENVIRONMENT, array.data().duplicate().order(ByteOrder.nativeOrder()),
            array.shape(), type);
    }

    static Bundle.Array array(OnnxValue value) throws OrtException {
        OnnxTensor tensor = (OnnxTensor) value;
        TensorInfo info = tensor.getInfo();
        String dtype = TYPES.entrySet().stream().filter(e -> e.getValue() == info.type && !e.getKey().equals("uint32"))
            .findFirst().orElseThrow().getKey();
        ByteBuffer data = ByteBuffer.allocateDirect(tensor.getByteBuffer().remaining()).order(ByteOrder.nativeOrder());
        data.put(tensor.getByteBuffer()).flip();
        return new Bundle.Array(dtype, info.getShape(), data);
    }

    static Map<String, Bundle.Array> run(OrtSession session, Map<String, Bundle.Array> feeds) throws OrtException {
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        for (var entry : feeds.entrySet()) {
            inputs.put(entry.getKey(), tensor(entry.getValue()));
        }
        Map<String, Bundle.Array> found = new LinkedHashMap<>();
        try (OrtSession.Result result = session.run(inputs)) {
            for (var entry : result) {
                found.put(entry.getKey(), array(entry.getValue()));
            }
        } finally {
            inputs.values().forEach(OnnxTensor::close);
        }
        return found;
    }

    public static void main(String[] folders) throws Exception {
        for (String name : folders) {
            Path folder = Path.of(name);
            try (OrtSession session = ENVIRONMENT.createSession(folder.resolve("model.onnx").toString())) {
                Bundle.write(folder, "out", run(session, Bundle.read(folder, "in")));
            } catch (OrtException error) {
                Files.writeString(folder.resolve("error.txt"), error.toString());
            }
        }
    }
}
